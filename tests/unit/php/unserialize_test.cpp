#include "php/serialize.hpp"
#include "php/unserialize.hpp"
#include "tests/unit/php/values.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

TEST_SUITE("unserialize") {

using namespace myq::php;
using namespace myq::php::test;
using namespace std::string_literals;

namespace {

Value read(const std::string& text) {
    const Unserialized all = unserialize(text);
    REQUIRE_MESSAGE(all, all.fault->text());
    CHECK(all.size == text.size());
    return all.value();
}

std::string fault(const std::string& text) {
    const Unserialized all = unserialize(text);
    REQUIRE_MESSAGE(!all, text);
    CHECK(all.value().is_null());
    return all.fault->text();
}

}  // namespace

TEST_CASE("What PHP writes comes back byte for byte") {
    for (const std::string& text : {
             "N;"s,
             "b:0;"s,
             "b:1;"s,
             "i:-9223372036854775808;"s,
             "i:9223372036854775807;"s,
             "d:0.30000000000000004;"s,
             "d:-0;"s,
             "d:1.0E+25;"s,
             "d:INF;"s,
             "d:-INF;"s,
             "d:NAN;"s,
             "s:0:\"\";"s,
             "s:9:\"\";i:5;\"\0\xff\";"s,
             "a:5:{s:1:\"a\";i:1;i:5;s:4:\"five\";s:2:\"05\";s:1:\"x\";i:-3;N;s:0:\"\";i:0;}"s,
             "a:2:{i:0;a:0:{}i:1;a:2:{i:0;i:1;i:1;a:1:{i:0;i:2;}}}"s,
             "O:1:\"P\":3:{s:1:\"a\";i:1;s:4:\"\0*\0b\";d:2.5;s:4:\"\0P\0c\";N;}"s,
             "O:3:\"Bag\":2:{i:5;i:1;s:1:\"x\";i:2;}"s,  // from __serialize()
             "C:3:\"C\\D\":5:{a}b;\"}"s,
             "E:11:\"Suit:Hearts\";"s,
             "a:4:{i:0;O:8:\"stdClass\":0:{}i:1;r:2;i:2;i:5;i:3;R:4;}"s,
             "O:8:\"stdClass\":1:{s:4:\"self\";r:1;}"s,
         }) {
        CAPTURE(text);
        CHECK(serialize(read(text)) == text);
    }
}

TEST_CASE("What PHP takes but never writes is taken") {
    CHECK(read("i:+007;") == Value(7));
    CHECK(read("i:-0;") == Value(0));
    CHECK(read("i:99999999999999999999;") == Value(std::numeric_limits<std::int64_t>::max()));
    CHECK(read("i:-9223372036854775809;") == Value(std::numeric_limits<std::int64_t>::min()));
    CHECK(read("s:005:\"hello\";") == Value("hello"));
    CHECK(read("S:3:\"a\\41\\c3\";") == Value("aA\xc3"));
    CHECK(read("O:1:\"A\"::{}") == Value(Object{.class_name = "A"}));
    CHECK(read("O:1:\"A\":+0:{}") == Value(Object{.class_name = "A"}));
    CHECK(read("a:1:{s:1:\"5\";i:1;}") == Value(map({{5, 1}})));
    CHECK(read("a:1:{S:1:\"\\35\";i:1;}") == Value(map({{5, 1}})));
}

TEST_CASE("Doubles are read in every shape") {
    const std::pair<const char*, double> numbers[] = {{".5", 0.5},
                                                      {"5.", 5},
                                                      {"+1", 1},
                                                      {"1e5", 1e5},
                                                      {"1E+5", 1e5},
                                                      {"-.5e-3", -5e-4},
                                                      {"7", 7},
                                                      {"1.0E+25", 1e25},
                                                      {"0.1", 0.1},
                                                      {"1e999", INFINITY},
                                                      {"-1e999", -INFINITY},
                                                      {"1e-999", 0},
                                                      {"1e99999999999999999999", INFINITY},
                                                      {"1e-99999999999999999999", 0},
                                                      {"0e99999999999999999999", 0},
                                                      {"0.000e999", 0},
                                                      {"5e-324", 5e-324}};
    for (const auto& [text, number] : numbers) {
        CAPTURE(text);
        CHECK(read("d:" + std::string(text) + ";") == Value(number));
    }
    CHECK(std::isnan(*read("d:NAN;").real()));
    CHECK(std::signbit(*read("d:-0;").real()));
    const std::string tiny = "0." + std::string(400, '0') + "1";
    CHECK(read("d:" + tiny + ";") == Value(0.0));
    CHECK(read("d:" + tiny + "e401;") == Value(1.0));
    CHECK(read("d:" + tiny + "e4000;") == Value(INFINITY));
    CHECK(read("d:1" + std::string(400, '0') + ";") == Value(INFINITY));
    CHECK(read("d:1" + std::string(400, '0') + "e-400;") == Value(1.0));
    for (const char* text :
         {"", "-", "+", ".", "e5", "1e", "1e+", "+INF", "-NAN", "inf", "0x1", " 1", "1 "})
        CHECK(!unserialize("d:" + std::string(text) + ";"));
}

TEST_CASE("Of keys that come again the last value is kept in the first place") {
    CHECK(serialize(read("a:3:{i:0;i:1;s:1:\"x\";i:2;i:0;i:3;}")) ==
          "a:2:{i:0;i:3;s:1:\"x\";i:2;}");
    CHECK(serialize(read("a:2:{s:1:\"5\";i:1;i:5;i:2;}")) == "a:1:{i:5;i:2;}");
    CHECK(serialize(read("O:1:\"A\":2:{s:1:\"5\";i:1;i:5;i:2;}")) ==
          "O:1:\"A\":1:{s:1:\"5\";i:2;}");
    std::string text = "a:200:{";
    for (int i = 0; i < 200; ++i)
        text += "s:3:\"k" + std::to_string(10 + i % 50) + "\";i:" + std::to_string(i) + ";";
    const Value value = read(text + "}");
    REQUIRE(value.array()->entries.size() == 50);
    CHECK(*value.array()->find("k10") == Value(150));
    CHECK(value.array()->entries.front().key == Key("k10"));
}

TEST_CASE("What follows the value is not looked at") {
    const Unserialized all = unserialize("s:5:\"hello\";garbage");
    REQUIRE(all);
    CHECK(all.value() == Value("hello"));
    CHECK(all.size == 12);
}

TEST_CASE("A fault says where and what was expected") {
    CHECK(fault("") == "byte 0: expected a value: one of N b i d s S a O C E R r");
    CHECK(fault("n;") == "byte 0: expected a value: one of N b i d s S a O C E R r");
    CHECK(fault("N") == "byte 1: expected ';' behind N");
    CHECK(fault("b:2;") == "byte 2: expected 0 or 1 for a boolean");
    CHECK(fault("i:12") == "byte 4: expected ';' behind the integer");
    CHECK(fault("i: 1;") == "byte 2: expected the digits of an integer");
    CHECK(fault("s:5:\"hell\";") == "byte 10: expected '\"' here, where the announced length ends");
    CHECK(fault("s:9:\"hell\";") == "byte 5: the text ends before the bytes announced here");
    CHECK(fault("s:18446744073709551621:\"hello\";") ==
          "byte 22: the number before this is beyond 64 bits");
    CHECK(fault("s:-1:\"\";") == "byte 2: expected digits");
    CHECK(fault("S:1:\"\\4\";") == "byte 7: expected two hexadecimal digits behind '\\'");
    CHECK(fault("a:1:{d:1;N;}") == "byte 5: expected a key: one of i s S");
    CHECK(fault("a:1:{i:0;N;i:1;N;}") == "byte 11: expected '}' behind the last element");
    CHECK(fault("a:2:{i:0;N;}") == "byte 5: more elements are announced than can follow");
    CHECK(fault("a:2:{i:0;s:9:\"012345678\";}") == "byte 25: expected a key: one of i s S");
    CHECK(fault("O:0:\"\":0:{}") == "byte 2: expected the name of a class");
    CHECK(fault("O:2:\"\\A\":0:{}") == "byte 2: expected the name of a class");
    CHECK(fault("O:1:\"A\":-1:{}") ==
          "byte 10: the number before this is negative or beyond 64 bits");
    CHECK(fault("C:1:\"A\":2:{abc}") ==
          "byte 13: expected '}' here, where the object's announced bytes end");
    CHECK(fault("E:4:\"Suit\";") == "byte 2: expected the name of an enum, ':' and a case of it");
}

TEST_CASE("No proper beginning of a text is a text") {
    const std::string text =
        "a:6:{i:0;s:3:\"a;}\";i:1;d:-1.5E+20;i:2;O:1:\"A\":1:{s:1:\"x\";r:1;}i:3;C:1:\"C\":3:{N;}}"
        "i:4;E:3:\"S:H\";i:5;S:1:\"\\41\";}";
    const std::string with_object = "O:1:\"A\":1:{s:1:\"x\";r:1;}";
    for (const std::string& whole :
         {text.substr(0, 0) + with_object, "a:1:{i:0;" + with_object + "}"}) {
        for (std::size_t size = 0; size < whole.size(); ++size)
            CHECK(!unserialize(std::string_view(whole).substr(0, size)));
    }
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK(!unserialize(std::string_view(text).substr(0, size)));
}

}  // TEST_SUITE("unserialize")
