#pragma once

#include <myq/handler.hpp>

#include <sys/types.h>

#include <charconv>
#include <stdexcept>
#include <string>
#include <system_error>

// The option 'mode': permission bits in octal, 0000 to `most`, which is `most_text`; `otherwise`
// when it is not there, and as the example for who wrote something else (std::invalid_argument).
inline mode_t octal_mode(const myq::Options& options, const std::string& otherwise, mode_t most,
                         const std::string& most_text) {
    const std::string text = options.text("mode", otherwise);
    const char* end = text.data() + text.size();
    mode_t mode = 0;
    const auto [stop, error] = std::from_chars(text.data(), end, mode, 8);
    if (error != std::errc{} || stop != end || mode > most) {
        throw std::invalid_argument("option 'mode' is '" + text +
                                    "', which is no octal mode from 0000 to " + most_text +
                                    ", such as " + otherwise);
    }
    return mode;
}
