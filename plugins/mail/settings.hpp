#pragma once

#include "plugins/mail/letter.hpp"
#include "plugins/process/child.hpp"

#include <myq/handler.hpp>

#include <chrono>
#include <optional>

// The options of `mail`, all of them checked; see mail.cpp for what they mean.
struct MailSettings {
    // Throws std::invalid_argument with a sentence that names the option.
    explicit MailSettings(const myq::Options& options);

    Command command;
    std::optional<LetterHead> head;  // nothing: a body is a whole mail already
    std::chrono::milliseconds timeout;
};
