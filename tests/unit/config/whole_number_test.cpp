#include "config/whole_number.hpp"

#include <doctest/doctest.h>

TEST_SUITE("whole_number") {

using myq::whole_number;

TEST_CASE("whole number: what is none, or none of those, is refused with what is wanted") {
    CHECK(whole_number(1)("1").empty());
    CHECK(whole_number(1)("9223372036854775807").empty());
    CHECK(whole_number(-5, 5)("-5").empty());
    for (const char* text :
         {"0", "-1", "", "abc", "1.5", "+1", " 1", "1 ", "0x1", "1e3", "9223372036854775808"}) {
        CAPTURE(text);
        CHECK(whole_number(1)(text) ==
              "'" + std::string(text) + "' is not a whole number, 1 or more");
        CHECK(whole_number(1, 1000)(text) ==
              "'" + std::string(text) + "' is not a whole number, 1 to 1000");
    }
    CHECK(!whole_number(1, 1000)("1001").empty());
}

}  // TEST_SUITE("whole_number")
