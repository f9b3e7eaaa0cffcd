#include "daemon/log_pace.hpp"

#include <doctest/doctest.h>

#include <cstdint>

TEST_SUITE("log_pace") {

using namespace myq;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t ms = 1'000'000;

// How many of `tries`, a millisecond apart, get through.
int allowed(LogPace& pace, std::int64_t from_ns, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i)
        count += pace.allows(from_ns + i * ms) ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("twenty lines a second get through, and the next one tells how many did not") {
    LogPace pace;
    const std::int64_t start = 5'000 * second;
    CHECK(allowed(pace, start, 20) == 20);
    CHECK(pace.held_back() == 0);
    CHECK(allowed(pace, start + 20 * ms, 900) == 0);
    CHECK(!pace.allows(start + second - 1));
    CHECK(pace.allows(start + second));
    CHECK(pace.held_back() == 901);
    // Told once.
    CHECK(pace.allows(start + second + 1));
    CHECK(pace.held_back() == 0);
    CHECK(allowed(pace, start + second + ms, 500) == 18);
}

TEST_CASE("a second begins with its first line, and quiet ones are not saved up") {
    LogPace pace;
    CHECK(pace.allows(0));
    CHECK(pace.allows(second - 1));
    CHECK(allowed(pace, second, 100) == 20);
    CHECK(allowed(pace, 100 * second, 100) == 20);
    CHECK(allowed(pace, 100 * second + 500 * ms, 100) == 0);
    CHECK(pace.allows(200 * second));
    CHECK(pace.held_back() == 180);
}

}  // TEST_SUITE("log_pace")
