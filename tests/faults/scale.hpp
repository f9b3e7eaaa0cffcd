#pragma once

#include "tests/support/skip.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

namespace myq::test {

// How much of a storm a test is. A process built with a sanitizer takes a hundred times longer to
// come up: it is killed less often.
constexpr std::size_t scaled(std::size_t count) {
    return has_sanitizer ? count / 10 + 1 : count;
}

// MYQ_FAULTS=long: every system call in place of a sample of them, and storms that go on for
// longer.
inline bool is_long_form() {
    const char* form = std::getenv("MYQ_FAULTS");
    return form != nullptr && std::string_view(form) == "long";
}

inline std::size_t scaled(std::size_t short_form, std::size_t long_form) {
    return scaled(is_long_form() ? long_form : short_form);
}

// SEED=N repeats a run, as far as its faults are concerned: what the scheduler does is its own.
inline unsigned seed() {
    static const unsigned chosen = [] {
        const char* given = std::getenv("SEED");
        return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                : std::random_device{}();
    }();
    return chosen;
}

}  // namespace myq::test
