#pragma once

#include "tests/faults/scale.hpp"
#include "tests/faults/stage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace myq::test {

// The end of a test: a failed check for each promise that was broken, and then what the daemon said
// last.
inline void expect_promises_kept(Stage& stage) {
    const auto broken = stage.checker.conclude();
    MESSAGE("SEED=", seed(), ": ", stage.checker.sent(), " sent, ", stage.checker.repeated(),
            " repeated, ", stage.checker.allowed_repeats(), " allowed");
    for (const std::string& promise : broken)
        FAIL_CHECK(promise);
    if (broken.empty()) return;
    const std::string log = stage.daemon.log();
    MESSAGE("the end of the log:\n",
            log.substr(log.size() - std::min<std::size_t>(log.size(), 3'000)));
}

}  // namespace myq::test
