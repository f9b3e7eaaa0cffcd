#include "daemon/retry_delay.hpp"

#include <doctest/doctest.h>

#include <chrono>

TEST_SUITE("retry_delay") {

using namespace myq;
using namespace std::chrono_literals;

namespace {

RetryConfig policy(std::chrono::milliseconds delay, std::chrono::milliseconds max_delay,
                   int jitter = 0) {
    RetryConfig policy;
    policy.delay = delay;
    policy.max_delay = max_delay;
    policy.jitter = jitter;
    return policy;
}

}  // namespace

TEST_CASE("the pause before the next attempt doubles with each failure, up to the longest") {
    struct Row {
        std::chrono::milliseconds delay, max_delay;
        unsigned attempt;
        std::chrono::milliseconds pause;
    };
    const Row rows[] = {
        {1s, 10min, 1, 1s},
        {1s, 10min, 2, 2s},
        {1s, 10min, 3, 4s},
        {1s, 10min, 10, 512s},
        {1s, 10min, 11, 10min},
        {1s, 10min, 12, 10min},
        {3ms, 5ms, 2, 5ms},
        {1s, 1s, 7, 1s},
        // `delay` beyond max_delay: the longest is the longest.
        {10min, 1s, 1, 1s},
        {10min, 1s, 5, 1s},
        // None at all stays none.
        {0ms, 10min, 1, 0ms},
        {0ms, 10min, 1'000, 0ms},
        {0ms, 0ms, 3, 0ms},
        {5s, 0ms, 3, 0ms},
        // The largest that the configuration allows.
        {1ms, 720h, 1'000, 720h},
        {720h, 720h, 1'000, 720h},
        {719h, 720h, 1'000, 720h},
    };
    for (const Row& row : rows) {
        CAPTURE(row.delay.count());
        CAPTURE(row.max_delay.count());
        CAPTURE(row.attempt);
        for (const double chance : {-1.0, 0.0, 1.0})
            CHECK(retry_delay(policy(row.delay, row.max_delay), row.attempt, chance) == row.pause);
    }
}

TEST_CASE("jitter makes a pause longer or shorter by up to so many percent of it") {
    struct Row {
        int jitter;
        double chance;
        std::chrono::milliseconds pause;
    };
    const Row rows[] = {
        {10, -1, 3'600ms}, {10, 0, 4'000ms},  {10, 1, 4'400ms}, {10, 0.5, 4'200ms},
        {50, -1, 2'000ms}, {50, 1, 6'000ms},  {100, -1, 0ms},   {100, 1, 8'000ms},
        {0, -1, 4'000ms},  {100, 0, 4'000ms},
    };
    for (const Row& row : rows) {
        CAPTURE(row.jitter);
        CAPTURE(row.chance);
        CHECK(retry_delay(policy(1s, 10min, row.jitter), 3, row.chance) == row.pause);
    }
    // Of the longest one too: what failed together is not tried together.
    CHECK(retry_delay(policy(1s, 10min, 10), 100, 1) == 11min);
    CHECK(retry_delay(policy(720h, 720h, 100), 1'000, 1) == 1'440h);
    CHECK(retry_delay(policy(720h, 720h, 100), 1'000, -1) == 0ms);
}

}  // TEST_SUITE("retry_delay")
