#pragma once

#include "client/argv.hpp"
#include "client/failure.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

namespace myq {

// The command takes the place of this process: standard input and the exit status are its own.
// Throws Failure, with the package to install, if it cannot be run.
[[noreturn]] inline void take_place(const std::vector<std::string>& command, const char* package) {
    const Argv argv(command);
    ::execvp(*argv.data(), argv.data());
    const int error = errno;
    throw Failure(ExitCode::unavailable,
                  fmt::format("{}: cannot be run: {}: install the package {}", command.front(),
                              std::generic_category().message(error), package));
}

}  // namespace myq
