#include "client/parse_time.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <string>

TEST_SUITE("parse_time") {

using namespace myq;

namespace {

// Local time of Berlin: two hours before UTC in summer, one in winter.
void live_in_berlin() {
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
}

constexpr std::time_t noon = 1714557600;  // 2024-05-01 12:00:00 +0200
constexpr std::time_t day = 86400;

std::time_t next(std::string_view text, std::time_t now = noon) {
    return parse_time(text, now, Nearest::next);
}

std::time_t last(std::string_view text, std::time_t now = noon) {
    return parse_time(text, now, Nearest::last);
}

}  // namespace

TEST_CASE("HH:MM is the next one, or for what has been the last one") {
    live_in_berlin();
    CHECK(next("12:01") == noon + 60);
    CHECK(next("23:59") == noon + 12 * 3600 - 60);
    CHECK(next("12:00") == noon + day);
    CHECK(next("12:00", noon + 59) == noon + day);
    CHECK(next("11:59") == noon + day - 60);
    CHECK(next("00:00") == noon + day / 2);
    CHECK(last("12:00") == noon);
    CHECK(last("11:59") == noon - 60);
    CHECK(last("12:01") == noon - day + 60);
}

TEST_CASE("HH:MM goes by the clock, also when tomorrow is another month or has 23 hours") {
    live_in_berlin();
    const std::time_t new_years_eve = 1735639200;  // 2024-12-31 11:00:00 +0100
    CHECK(next("10:00", new_years_eve) == new_years_eve + day - 3600);
    const std::time_t before_change = 1711796400;  // 2024-03-30 12:00:00 +0100
    CHECK(next("12:00", before_change) == before_change + 23 * 3600);
    CHECK_THROWS_WITH_AS(next("02:30", before_change),
                         "'02:30' is skipped on that day, when the clock is changed",
                         std::invalid_argument);
    // Once the gap is behind us, the same words mean a time that there is.
    const std::time_t after_change = before_change + 23 * 3600;
    CHECK(next("02:30", after_change) == after_change + 14 * 3600 + 1800);
}

TEST_CASE("A date and time is local time, and seconds since the epoch are themselves") {
    live_in_berlin();
    CHECK(next("2024-05-01 12:00") == noon);
    CHECK(next("2024-05-01 12:00:07") == noon + 7);
    CHECK(next("2024-01-01 00:00") == 1704063600);
    CHECK(next("@0") == 0);
    CHECK(next("@1714557600") == noon);
    CHECK(next("@253402300799") == 253402300799);
}

TEST_CASE("What is no time is refused, quoted, with what is one") {
    live_in_berlin();
    for (const char* text : {"",
                             " ",
                             "noon",
                             "9:30",
                             "09:3",
                             "09:30 ",
                             " 09:30",
                             "09:30:00",
                             "0930",
                             "2024-05-01",
                             "2024-05-01T12:00",
                             "2024-5-1 12:00",
                             "2024-05-01  12:00",
                             "24-05-01 12:00",
                             "@",
                             "@-1",
                             "@1.5",
                             "@ 1",
                             "@1 ",
                             "10m",
                             "2024-05-01 12:00:00.5",
                             "\n"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(next(text), std::invalid_argument);
    }
    CHECK_THROWS_WITH(next("9:30"), "'9:30' is no time: write HH:MM, 'YYYY-MM-DD HH:MM', "
                                    "'YYYY-MM-DD HH:MM:SS' or @SECONDS since 1970");
    CHECK_THROWS_WITH(next("24:00"), "'24:00' is no time of day: 00:00 to 23:59 are");
    CHECK_THROWS_WITH(next("12:60"), "'12:60' is no time of day: 00:00 to 23:59 are");
    for (const std::string date :
         {"2024-02-30 12:00", "2023-02-29 12:00", "2024-13-01 12:00", "2024-00-01 12:00",
          "2024-05-00 12:00", "2024-05-01 24:00", "2024-05-01 12:61", "2024-03-31 02:30"}) {
        CAPTURE(date);
        CHECK_THROWS_WITH(
            next(date),
            ("'" + date + "' is a time that the calendar or the clock does not have").c_str());
    }
    CHECK_THROWS_WITH(next("@1714557600000"),
                      "'@1714557600000' is beyond the year 9999; write seconds, not milliseconds");
    CHECK_THROWS_AS(next("@99999999999999999999"), std::invalid_argument);
}

TEST_CASE("'Since' is a time that has been, or how long ago") {
    live_in_berlin();
    const std::int64_t now = noon * 1000;
    CHECK(parse_since_ms("2h", now) == now - 7'200'000);
    CHECK(parse_since_ms("0s", now) == now);
    CHECK(parse_since_ms("11:00", now) == now - 3'600'000);
    CHECK(parse_since_ms("13:00", now) == now - 23LL * 3'600'000);
    CHECK(parse_since_ms("2024-05-01 12:00", now) == now);
    CHECK(parse_since_ms("@5", now) == 5000);
    for (const char* text : {"", "2", "-2h", "yesterday", "2 h"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_since_ms(text, now), std::invalid_argument);
    }
}

}  // TEST_SUITE("parse_time")
