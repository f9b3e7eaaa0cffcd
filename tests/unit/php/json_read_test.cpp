#include "php/json.hpp"
#include "php/serialize.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("json_read") {

using namespace myq::php;
using namespace std::string_literals;

namespace {

std::string read(std::string_view json, const JsonOptions& options = {}) {
    try {
        return serialize(from_json(json, options).value());
    } catch (const JsonError& e) {
        return e.what();
    }
}

}  // namespace

// All texts are what PHP 8.2 made of json_decode($json, true).

TEST_CASE("JSON becomes what json_decode makes of it") {
    CHECK(read("null") == "N;");
    CHECK(read(" true ") == "b:1;");
    CHECK(read("-9223372036854775808") == "i:-9223372036854775808;");
    CHECK(read("9223372036854775808") == "d:9.223372036854776E+18;");
    CHECK(read("123456789012345678901") == "d:1.2345678901234568E+20;");
    CHECK(read("1.0") == "d:1;");
    CHECK(read("-0") == "i:0;");
    CHECK(read("\"a\\u00e9\\ud83d\\ude00\\u0000\"") == "s:8:\"a\u00e9\U0001f600\0\";"s);
    CHECK(read("[1,[],{}]") == "a:3:{i:0;i:1;i:1;a:0:{}i:2;a:0:{}}");
    CHECK(read(R"({"5":1,"05":2,"":3,"a":{"b":[null]}})") ==
          "a:4:{i:5;i:1;s:2:\"05\";i:2;s:0:\"\";i:3;s:1:\"a\";a:1:{s:1:\"b\";a:1:{i:0;N;}}}");
    CHECK(read(R"({"5":1,"a":2,"5":3})") == "a:2:{i:5;i:3;s:1:\"a\";i:2;}");
}

TEST_CASE("What is no JSON is an error that says where") {
    CHECK(read("{\"a\":}").starts_with("from JSON: byte 6: syntax error"));
    CHECK(read("").starts_with("from JSON: byte 1: "));
    CHECK(read("[1] 2").starts_with("from JSON: byte 5: "));
    CHECK(read("[1]\0 2"s) ==
          "from JSON: byte 3: a NUL byte, which JSON never holds; write \\u0000");
    CHECK(read("\"\xff\"").starts_with("from JSON: byte 2: "));
    CHECK(read("1e999").find("number overflow") != std::string::npos);
}

TEST_CASE("Levels and size are limited") {
    const std::string deep = std::string(512, '[') + std::string(512, ']');
    CHECK(read(deep).starts_with("a:1:{"));
    CHECK(read('[' + deep + ']') ==
          "from JSON: nested deeper than the 512 levels that are allowed; make it flatter");
    CHECK(read("[1,2]", {.size = 4}) ==
          "from JSON: it is longer than the 4 bytes that are allowed; send less");
}

}  // TEST_SUITE("json_read")
