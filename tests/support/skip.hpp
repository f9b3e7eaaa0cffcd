#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

namespace myq::test {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool has_sanitizer = true;
#else
constexpr bool has_sanitizer = false;
#endif

// The test ends here and counts as skipped: what it needs cannot be had on this machine, or by this
// user. Not while there is something to clean up.
[[noreturn]] inline void skip(const std::string& reason) {
    constexpr int skipped = 77;  // what the tests' SKIP_RETURN_CODE is
    std::printf("skipped: %s\n", reason.c_str());
    std::fflush(stdout);
    ::_exit(skipped);
}

}  // namespace myq::test
