#include "php/serialize.hpp"
#include "php/unserialize.hpp"
#include "tests/unit/php/values.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

TEST_SUITE("serialize") {

using namespace myq::php;
using namespace myq::php::test;
using namespace std::string_literals;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

// All texts are what PHP 8.2 wrote.

TEST_CASE("Scalars are written as PHP writes them") {
    CHECK(serialize({}) == "N;");
    CHECK(serialize(true) == "b:1;");
    CHECK(serialize(false) == "b:0;");
    CHECK(serialize(-42) == "i:-42;");
    CHECK(serialize(std::numeric_limits<std::int64_t>::min()) == "i:-9223372036854775808;");
    CHECK(serialize("hello") == "s:5:\"hello\";");
    CHECK(serialize("\0\"\xff"s) == "s:3:\"\0\"\xff\";"s);
}

TEST_CASE("Doubles are written with the digits and in the shape that PHP gives them") {
    const std::pair<double, const char*> numbers[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {3.0, "3"},
        {-1.5, "-1.5"},
        {0.1 + 0.2, "0.30000000000000004"},
        {123456.789, "123456.789"},
        {0.0001, "0.0001"},
        {0.00009999, "9.999E-5"},
        {1e15, "1000000000000000"},
        {1e16, "10000000000000000"},
        {1e17, "1.0E+17"},
        {12345678901234567.0, "12345678901234568"},
        {123456789012345678.0, "1.2345678901234568E+17"},
        {9223372036854775808.0, "9.223372036854776E+18"},
        {1e25, "1.0E+25"},
        {1e100, "1.0E+100"},
        {5e-324, "5.0E-324"},
        {1.7976931348623157e308, "1.7976931348623157E+308"},
        {infinity, "INF"},
        {-infinity, "-INF"},
        {std::numeric_limits<double>::quiet_NaN(), "NAN"},
    };
    for (const auto& [number, text] : numbers)
        CHECK(serialize(number) == "d:" + std::string(text) + ";");
}

TEST_CASE("Arrays and what is in them are written in order") {
    CHECK(serialize(Array()) == "a:0:{}");
    CHECK(serialize(list({list({}), list({1, list({2})})})) ==
          "a:2:{i:0;a:0:{}i:1;a:2:{i:0;i:1;i:1;a:1:{i:0;i:2;}}}");
    CHECK(serialize(map({{"a", 1}, {"5", "five"}, {"05", "x"}, {-3, {}}, {"", 0}})) ==
          "a:5:{s:1:\"a\";i:1;i:5;s:4:\"five\";s:2:\"05\";s:1:\"x\";i:-3;N;s:0:\"\";i:0;}");
}

TEST_CASE("Objects and references are written as they were") {
    CHECK(serialize(Object{.class_name = "P",
                           .properties = Array{{{Key::name("a"), 1},
                                                {Key::name("\0*\0b"s), 2.5},
                                                {Key::name("\0P\0c"s), {}}}}}) ==
          "O:1:\"P\":3:{s:1:\"a\";i:1;s:4:\"\0*\0b\";d:2.5;s:4:\"\0P\0c\";N;}"s);
    CHECK(serialize(Object{.form = Object::Form::custom, .class_name = "C", .payload = "a}b"}) ==
          "C:1:\"C\":3:{a}b}");
    CHECK(serialize(Object{.form = Object::Form::enumeration,
                           .class_name = "Suit",
                           .payload = "Hearts"}) == "E:11:\"Suit:Hearts\";");
    CHECK(serialize(list({Object{.class_name = "stdClass"}, Reference{Reference::Kind::object, 2},
                          5, Reference{Reference::Kind::variable, 4}})) ==
          "a:4:{i:0;O:8:\"stdClass\":0:{}i:1;r:2;i:2;i:5;i:3;R:4;}");
}

TEST_CASE("What is nested deeper than PHP reads is not written") {
    Value value;
    for (std::size_t level = 0; level < most_levels; ++level) {
        Array around;  // not list(), which copies what is in it
        around.push(std::move(value));
        value = std::move(around);
    }
    CHECK(unserialize(serialize(value)));
    Value too_deep;
    too_deep = list({value});
    CHECK_THROWS_WITH_AS(serialize(too_deep),
                         "serialize: the value is nested deeper than 4096 levels, which PHP would "
                         "not read; make it flatter",
                         std::invalid_argument);
}

}  // TEST_SUITE("serialize")
