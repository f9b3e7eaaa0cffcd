#include "config/duration.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

TEST_SUITE("duration") {

using namespace myq;
using namespace std::chrono_literals;

TEST_CASE("duration: a whole number and a unit") {
    struct Row {
        const char* text;
        std::chrono::milliseconds duration;
    };
    const std::vector<Row> rows = {
        {"0s", 0ms},
        {"250ms", 250ms},
        {"30s", 30s},
        {"5m", 5min},
        {"2h", 2h},
        {"1d", 24h},
        {"007s", 7s},
        {"9223372036854775807ms", std::chrono::milliseconds{INT64_MAX}},
        {"106751991167d", std::chrono::milliseconds{106'751'991'167 * 86'400'000}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_duration(row.text) == row.duration);
    }
}

TEST_CASE("duration: everything else is refused with a sentence that quotes it") {
    struct Row {
        const char* text;
        const char* sentence;
    };
    const std::vector<Row> rows = {
        {"", "'' is not a duration: write a whole number and ms, s, m, h or d, such as 30s"},
        {"s", "'s' is not a duration: write a whole number and ms, s, m, h or d, such as 30s"},
        {"-1s", "'-1s' is not a duration: write a whole number and ms, s, m, h or d, such as 30s"},
        {"+1s", "'+1s' is not a duration: write a whole number and ms, s, m, h or d, such as 30s"},
        {" 1s", "' 1s' is not a duration: write a whole number and ms, s, m, h or d, such as 30s"},
        {"30", "'30' has no unit: write ms, s, m, h or d behind it, such as 30s"},
        {"1 s", "'1 s' has an unknown unit: write ms, s, m, h or d, such as 30s"},
        {"1.5s", "'1.5s' has an unknown unit: write ms, s, m, h or d, such as 30s"},
        {"1h30m", "'1h30m' has an unknown unit: write ms, s, m, h or d, such as 30s"},
        {"1S", "'1S' has an unknown unit: write ms, s, m, h or d, such as 30s"},
        {"1w\x1b[31m", "'1w\\x1b[31m' has an unknown unit: write ms, s, m, h or d, such as 30s"},
        {"9223372036854775808ms", "'9223372036854775808ms' is too long a time"},
        {"106751991168d", "'106751991168d' is too long a time"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK_THROWS_WITH_AS(parse_duration(row.text), row.sentence, std::invalid_argument);
    }
}

TEST_CASE("duration: its text has the largest unit that fits and reads back the same") {
    struct Row {
        std::chrono::milliseconds duration;
        const char* text;
    };
    const std::vector<Row> rows = {{0ms, "0s"},    {1ms, "1ms"}, {1500ms, "1500ms"}, {90s, "90s"},
                                   {10min, "10m"}, {1h, "1h"},   {36h, "36h"},       {48h, "2d"}};
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(duration_text(row.duration) == row.text);
        CHECK(parse_duration(row.text) == row.duration);
    }
}

}  // TEST_SUITE("duration")
