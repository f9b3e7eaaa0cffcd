#include "client/moment.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

TEST_SUITE("moment") {

using namespace myq;

TEST_CASE("A moment is shown in local time with its age") {
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0", 1);
    tzset();
    const std::time_t noon = 1714557600;  // 2024-05-01 10:00 UTC
    CHECK(moment(0, noon) == "never");
    CHECK(moment(noon, noon + 3) == "2024-05-01 12:00:00 +0200 (3 s ago)");
    CHECK(moment(noon, noon + 119) == "2024-05-01 12:00:00 +0200 (119 s ago)");
    CHECK(moment(noon, noon + 120) == "2024-05-01 12:00:00 +0200 (2 min ago)");
    CHECK(moment(noon, noon + 2 * 3600) == "2024-05-01 12:00:00 +0200 (2 h ago)");
    CHECK(moment(noon, noon + 49 * 3600) == "2024-05-01 12:00:00 +0200 (2 days ago)");
    CHECK(moment(noon, noon - 1) == "2024-05-01 12:00:00 +0200 (in 1 s)");
}

TEST_CASE("A span is shown in one unit, rounded down") {
    CHECK(span(0) == "0 s");
    CHECK(span(119) == "119 s");
    CHECK(span(120) == "2 min");
    CHECK(span(7199) == "119 min");
    CHECK(span(7200) == "2 h");
    CHECK(span(47 * 3600 + 3599) == "47 h");
    CHECK(span(48 * 3600) == "2 days");
}

}  // TEST_SUITE("moment")
