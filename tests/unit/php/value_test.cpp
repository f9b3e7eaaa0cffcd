#include "php/unserialize.hpp"
#include "tests/unit/php/values.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

TEST_SUITE("value") {

using namespace myq::php;
using namespace myq::php::test;

TEST_CASE("Keys are numbers where PHP makes numbers of them") {
    for (const char* number :
         {"0", "5", "-5", "10", "9223372036854775807", "-9223372036854775808"}) {
        CAPTURE(number);
        REQUIRE(Key(number).is_number());
        CHECK(std::to_string(Key(number).number()) == number);
        CHECK(!Key::name(number).is_number());
    }
    for (const char* text : {"", "-", "-0", "00", "05", "+5", " 5", "5 ", "1.5", "1e3", "x",
                             "9223372036854775808", "-9223372036854775809"}) {
        CAPTURE(text);
        REQUIRE(!Key(text).is_number());
        CHECK(Key(text).text() == text);
    }
}

TEST_CASE("A value knows what it is, and nothing else") {
    CHECK(Value().is_null());
    CHECK(Value(false).boolean() == false);
    CHECK(Value(7).integer() == 7);
    CHECK(Value(1.5).real() == 1.5);
    CHECK(Value("text").text() == "text");
    CHECK(Value(Array()).array());
    CHECK(Value(Object{.class_name = "A"}).object()->class_name == "A");
    CHECK(Value(Reference{Reference::Kind::object, 3}).reference()->slot == 3);
    CHECK(!Value(7).boolean());
    CHECK(!Value(7).real());
    CHECK(!Value(7).text());
    CHECK(!Value(7).array());
    CHECK(!Value(7).object());
    CHECK(!Value(7).reference());
    CHECK(!Value("7").integer());
}

TEST_CASE("Texts of every length near the border are kept, copied, moved and replaced") {
    for (std::size_t size = 0; size < 40; ++size) {
        const std::string text(size, static_cast<char>(size));
        Value value(text);
        const Value copy(value);
        Value moved(std::move(value));
        CHECK(copy.text() == text);
        CHECK(moved == copy);
        moved = Value("another one that is longer than fifteen bytes");
        CHECK(copy.text() == text);
        moved = copy;
        CHECK(moved.text() == text);
        Key key = Key::name(text);
        const Key key_copy(key);
        key = Key(5);
        CHECK(key_copy.text() == text);
        CHECK(key.number() == 5);
    }
}

TEST_CASE("A copy of a decoded value outlives it") {
    Value copy;
    {
        const Unserialized all = unserialize(
            R"(a:2:{s:20:"a name of twenty byt";s:20:"a text of twenty byt";i:1;O:1:"A":1:{s:1:"x";a:1:{i:0;i:5;}}})");
        REQUIRE(all);
        copy = all.value();
    }
    CHECK(copy ==
          Value(map({{"a name of twenty byt", "a text of twenty byt"},
                     {1, Object{.class_name = "A", .properties = map({{"x", list({5})}})}}})));
}

TEST_CASE("An array finds, replaces and appends, and knows whether it is a list") {
    Array array = list({"a", "b"});
    CHECK(array.is_list());
    CHECK(*array.find(1) == Value("b"));
    CHECK(*array.find("1") == Value("b"));
    CHECK(!array.find(2));
    array.set(0, "new");
    CHECK(array.entries.size() == 2);
    CHECK(array.entries.front().value == Value("new"));
    array.set("name", 1);
    CHECK(!array.is_list());
    CHECK(!map({{1, "b"}, {0, "a"}}).is_list());
    CHECK(Array().is_list());
    CHECK(map({{0, 1}, {1, 2}}) == list({1, 2}));
    CHECK(map({{1, 1}, {0, 2}}) != map({{0, 2}, {1, 1}}));  // the order counts
}

}  // TEST_SUITE("value")
