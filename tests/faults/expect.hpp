#pragma once

#include "tests/faults/scale.hpp"
#include "tests/faults/stage.hpp"

#include <doctest/doctest.h>

#include <string>

namespace myq::test {

// The end of a test: a failed check for each promise that was broken.
inline void expect_promises_kept(Stage& stage) {
    const auto broken = stage.checker.conclude();
    MESSAGE("SEED=", seed(), ": ", stage.checker.sent(), " sent, ", stage.checker.repeated(),
            " repeated, ", stage.checker.allowed_repeats(), " allowed");
    for (const std::string& promise : broken)
        FAIL_CHECK(promise);
}

}  // namespace myq::test
