#pragma once

#include "config/config.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace myq {

// Bodies as a handler with a `format` gets them. Only for those: a raw body is not touched.
class BodyFormat {
public:
    using Bytes = std::span<const std::byte>;

    // For php: what serialize() wrote, as JSON, but a plain string as its own bytes; an object has
    // its class under "__PHP_Incomplete_Class_Name". For json: the body, if it is JSON. What is
    // returned is good until the next call, and while `body` is. nullopt: see reason().
    std::optional<Bytes> decode(HandlerConfig::Format format, Bytes body);

    // Why the last decode() returned nothing: one line.
    const std::string& reason() const { return reason_; }

private:
    std::optional<Bytes> decode_php(Bytes body);

    std::string text_;
    std::string reason_;
};

}  // namespace myq
