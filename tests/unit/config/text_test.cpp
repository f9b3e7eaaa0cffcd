#include "config/text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

TEST_SUITE("text") {

using namespace myq;
using namespace std::string_literals;

TEST_CASE("text: what is quoted cannot leave its line or steer a terminal") {
    CHECK(myq::quoted("plain") == "'plain'");
    CHECK(myq::quoted("") == "''");
    CHECK(myq::quoted("a\nb\x1b[2J") == "'a\\nb\\x1b[2J'");
    CHECK(myq::quoted(std::string(60, 'x')) == "'" + std::string(60, 'x') + "'");
    CHECK(myq::quoted(std::string(1'000'000, 'x')) == "'" + std::string(60, 'x') + "'...");
}

TEST_CASE("text: UTF-8 is text to the end") {
    for (const std::string& text : {""s, "a\tb\r\nc"s, "gr\xc3\xbc\xc3\x9f"s, "\xe2\x82\xac"s,
                                    "\xf0\x9f\x90\x98"s, "\xc2\xa0"s, "\xf4\x8f\xbf\xbf"s}) {
        CAPTURE(text);
        CHECK_FALSE(first_non_text(text).has_value());
    }
}

TEST_CASE("text: the first byte that is none is found") {
    struct Row {
        const char* what;
        std::string bytes;
    };
    const std::vector<Row> rows = {
        {"NUL", "\0"s},
        {"escape", "\x1b"},
        {"delete", "\x7f"},
        {"Latin-1", "\xfc ber"},
        {"continuation without a start", "\x80"},
        {"cut off", "\xe2\x82"},
        {"overlong", "\xc0\xaf"},
        {"overlong in three", "\xe0\x80\xaf"},
        {"half of a pair", "\xed\xa0\x80"},
        {"beyond Unicode", "\xf4\x90\x80\x80"},
        {"no start byte", "\xff\xff\xff\xff"},
        {"C1 control", "\xc2\x9b"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        CHECK(first_non_text(row.bytes) == 0U);
        CHECK(first_non_text("\xc3\xbc\n" + row.bytes) == 3U);
    }
}

}  // TEST_SUITE("text")
