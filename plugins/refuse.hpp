#pragma once

#include <myq/handler.hpp>

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

// What the checks of several plugins have in common: each throws std::invalid_argument with one
// sentence that names the option.

[[noreturn]] inline void refuse(std::string_view option, const std::string& why) {
    throw std::invalid_argument("option '" + std::string(option) + "' " + why);
}

// Nothing that ends a line, or that an editor does not show, may go into a header.
inline void refuse_control_characters(std::string_view option, std::string_view value) {
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) refuse(option, "has a control character in it");
    }
}

// A duration of 1ms or more, and at most a day: as long as a message's timeout.
inline std::chrono::milliseconds positive_duration(const myq::Options& options,
                                                   std::string_view name,
                                                   std::chrono::milliseconds otherwise) {
    const auto time = options.duration(name, otherwise);
    if (time.count() < 1 || time > std::chrono::hours{24}) refuse(name, "must be 1ms to 24h");
    return time;
}

// The file that the option names, which must be there to be read; "" where the option is not there.
inline std::string readable_file(const myq::Options& options, std::string_view name) {
    if (!options.has(name)) return {};
    std::string file = options.text(name);
    std::error_code ignored;  // "no" is an answer too
    const bool is_file = std::filesystem::is_regular_file(file, ignored);
    if (::access(file.c_str(), R_OK) == -1)
        refuse(name, "is " + file + ", which cannot be read: " + std::strerror(errno));
    if (!is_file) refuse(name, "is " + file + ", which is no file");
    return file;
}
