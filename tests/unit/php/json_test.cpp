#include "php/json.hpp"
#include "php/unserialize.hpp"
#include "tests/unit/php/values.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

TEST_SUITE("json") {

using namespace myq::php;
using namespace myq::php::test;
using namespace std::string_literals;

namespace {

std::string error(const Value& value, const JsonOptions& options = {}) {
    try {
        return "none: " + to_json(value, options);
    } catch (const JsonError& e) {
        return e.what();
    }
}

Value read(const std::string& text) {
    return unserialize(text).value();
}

}  // namespace

// With the flags named in the header, all texts are what PHP 8.2 wrote.

TEST_CASE("Scalars are written as json_encode writes them") {
    CHECK(to_json({}) == "null");
    CHECK(to_json(true) == "true");
    CHECK(to_json(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
    CHECK(to_json(1.0) == "1.0");
    CHECK(to_json(-0.0) == "-0.0");
    CHECK(to_json(1e25) == "1.0e+25");
    CHECK(to_json(0.1) == "0.1");
    CHECK(to_json("a/\u00e9\u2028\x7f\x01\b\f\n\r\t\"\\") ==
          "\"a/\u00e9\u2028\x7f\\u0001\\b\\f\\n\\r\\t\\\"\\\\\"");
}

TEST_CASE("An array is a list when its keys are") {
    CHECK(to_json(Array()) == "[]");
    CHECK(to_json(list({1, "two", list({3})})) == "[1,\"two\",[3]]");
    CHECK(to_json(map({{1, "b"}, {0, "a"}})) == "{\"1\":\"b\",\"0\":\"a\"}");
    CHECK(to_json(map({{"a", map({{"", {}}})}})) == "{\"a\":{\"\":null}}");
}

TEST_CASE("An object has its public properties, and its class where that is asked for") {
    const Value point = read("O:1:\"P\":3:{s:1:\"a\";i:1;s:4:\"\0*\0b\";d:2.5;s:4:\"\0P\0c\";N;}"s);
    CHECK(to_json(point) == "{\"a\":1}");
    CHECK(to_json(point, {.class_member = "class"}) == "{\"class\":\"P\",\"a\":1}");
    CHECK(error(point, {.class_member = "a"}) ==
          "to JSON: the value: a property has the name that its class should get; choose another "
          "class_member");
    CHECK(to_json(read("O:8:\"stdClass\":0:{}")) == "{}");
    CHECK(to_json(read("E:11:\"Suit:Hearts\";")) == "\"Suit::Hearts\"");
    CHECK(error(list({read("C:1:\"C\":1:{x}")})) ==
          "to JSON: [0]: only the class C understands the bytes of its objects; send an array, or "
          "take the body as it is");
}

TEST_CASE("A reference is what it refers to") {
    CHECK(to_json(read("a:4:{i:0;O:1:\"A\":1:{s:1:\"x\";i:1;}i:1;r:2;i:2;i:5;i:3;R:5;}")) ==
          "[{\"x\":1},{\"x\":1},5,5]");
    CHECK(error(read("a:1:{s:1:\"o\";O:1:\"A\":1:{s:4:\"self\";r:2;}}")) ==
          "to JSON: [\"o\"][\"self\"]: refers to something that it is within itself, which JSON "
          "cannot hold; break the circle before sending");
    CHECK(error(Reference{Reference::Kind::object, 7}) ==
          "to JSON: the value: a reference to slot 7, where no value is; give the slot of one");
    CHECK(error(Reference{Reference::Kind::object, 1}) ==
          "to JSON: the value: a reference to slot 1, where no value is; give the slot of one");
}

TEST_CASE("What JSON cannot hold is an error with its path, not a loss") {
    const Array list_of_bytes = list({"fine", "\xc3("});
    CHECK(error(map({{"users\n", list_of_bytes}})) ==
          "to JSON: [\"users\\n\"][1]: not UTF-8 from byte 0 on, which JSON cannot hold; send it "
          "as base64, or take the body as it is");
    CHECK(error(map({{"\xff", 1}})).starts_with("to JSON: [\"\\xff\"]: not UTF-8"));
    CHECK(error(std::numeric_limits<double>::infinity()) ==
          "to JSON: the value: JSON has no INF or NAN; send null or a string instead");
    CHECK(error(list({std::numeric_limits<double>::quiet_NaN()})).starts_with("to JSON: [0]: "));
}

TEST_CASE("Only what is UTF-8 passes for it") {
    for (const char* text :
         {"\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"})
        CHECK(to_json(text) == '"' + std::string(text) + '"');
    for (const char* text :
         {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xe0\x9f\xbf",
          "\xed\xa0\x80", "\xed\xbf\xbf", "\xe1\x80", "\xe1\x80\xc0", "\xf0\x8f\xbf\xbf",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
        CAPTURE(text);
        CHECK(error("ab" + std::string(text)).find("not UTF-8 from byte 2 on") !=
              std::string::npos);
    }
}

TEST_CASE("Levels and size are limited, also through references") {
    Value value = 1;
    for (int level = 0; level < 512; ++level)
        value = list({value});
    CHECK(to_json(value).size() == 2 * 512 + 1);
    CHECK(error(list({value}))
              .ends_with("nested deeper than the 512 levels that are allowed; make it flatter, or "
                         "take the body as "
                         "it is"));
    // 2^40 of them, in some hundred bytes.
    std::string text = "a:41:{i:0;i:1;";
    for (int i = 1; i <= 40; ++i) {
        const std::string slot = i == 1 ? "2" : std::to_string(i + 1);
        text += "i:" + std::to_string(i) + ";a:2:{i:0;R:" + slot + ";i:1;R:" + slot + ";}";
    }
    const Value bomb = read(text + "}");
    REQUIRE(bomb.array());
    CHECK(error(bomb, {.size = 100'000}).find("longer than the 100000 bytes") != std::string::npos);
    // What is passed over takes its time too: a thousand private properties, a thousand times.
    std::string hidden = "a:1001:{i:0;O:1:\"C\":1000:{";
    for (int i = 0; i < 1000; ++i)
        hidden += "s:7:\"" + std::string("\0C\0", 3) + std::to_string(1000 + i) + "\";N;";
    hidden += "}";
    for (int i = 1; i <= 1000; ++i)
        hidden += "i:" + std::to_string(i) + ";r:2;";
    const Value many = read(hidden + "}");
    REQUIRE(many.array());
    CHECK(error(many, {.size = 100'000}).find("longer than the 100000 bytes") != std::string::npos);
    // And no text is written out before it is known to be too long.
    CHECK(error(std::string(1'000'000, '\n'), {.size = 1'000}).find("longer than the 1000 bytes") !=
          std::string::npos);
}

}  // TEST_SUITE("json")
