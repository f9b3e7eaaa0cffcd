#include "daemon/body_format.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

TEST_SUITE("body_format") {

using namespace myq;
using Format = HandlerConfig::Format;

namespace {

// What the handler gets, or "dead: REASON".
std::string decoded(Format format, std::string_view body,
                    std::uint64_t max_body = std::uint64_t{64} << 20U) {
    BodyFormat formats(max_body);
    const auto bytes = formats.decode(format, std::as_bytes(std::span(body)));
    if (!bytes) return "dead: " + formats.reason();
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

// Arrays of two references to the one before: doubled with each, when it is written out.
std::string doubling(int times) {
    std::string text = "a:" + std::to_string(times + 1) + ":{i:0;s:8:\"12345678\";";
    for (int i = 0, slot = 2; i < times; ++i, ++slot)
        text += "i:" + std::to_string(i + 1) + ";a:2:{i:0;R:" + std::to_string(slot) +
                ";i:1;R:" + std::to_string(slot) + ";}";
    return text + "}";
}

}  // namespace

TEST_CASE("format: raw is what came, whatever it is") {
    CHECK(decoded(Format::raw, "a:1:{") == "a:1:{");
    const std::string bytes("\0\xff{", 3);
    CHECK(decoded(Format::raw, bytes) == bytes);
}

TEST_CASE("format: php is JSON to the handler, and a plain string its bytes") {
    CHECK(decoded(Format::php, "N;") == "null");
    CHECK(decoded(Format::php, "b:1;") == "true");
    CHECK(decoded(Format::php, "d:0.1;") == "0.1");
    CHECK(decoded(Format::php, "a:0:{}") == "[]");
    CHECK(decoded(Format::php, R"(a:2:{i:0;s:1:"a";i:1;i:-5;})") == R"(["a",-5])");
    CHECK(decoded(Format::php, R"(O:1:"C":1:{s:1:"p";i:1;})") ==
          R"({"__PHP_Incomplete_Class_Name":"C","p":1})");
    // Bytes need not be text when they are not within anything.
    CHECK(decoded(Format::php, std::string("s:3:\"\0\xff\"\";", 10)) == std::string("\0\xff\"", 3));
    CHECK(decoded(Format::php, R"(s:0:"";)").empty());
}

TEST_CASE("format: what PHP did not write, or JSON cannot say, is dead with the reason") {
    CHECK(decoded(Format::php, "")
              .starts_with("dead: its body is not what PHP's serialize() writes: byte 0: "));
    CHECK(decoded(Format::php, "a:1:{")
              .starts_with("dead: its body is not what PHP's serialize() writes: byte 5: "));
    CHECK(decoded(Format::php, "a:1:{i:0;s:1:\"\xff\";}")
              .starts_with("dead: its body, from PHP, cannot be JSON: "));
    CHECK(decoded(Format::php, "d:INF;").starts_with("dead: its body, from PHP, cannot be JSON: "));
}

TEST_CASE("format: a short body that would be long JSON is dead, and not written out") {
    CHECK(decoded(Format::php, doubling(60)).starts_with("dead: "));
}

TEST_CASE("format: JSON is sixteen times as long as its body at most, and as max_body") {
    const std::string small = doubling(18);  // some 3 MB
    REQUIRE(small.size() < 2'000);
    CHECK(decoded(Format::php, small)
              .starts_with("dead: its body, from PHP, cannot be JSON: to JSON: "));
    CHECK(decoded(Format::php, doubling(15)).size() > 500'000);
    const std::string text(200'000, '\n');  // twice as long in JSON
    const std::string array = "a:1:{i:0;s:200000:\"" + text + "\";}";
    CHECK(decoded(Format::php, array).size() == 400'004);
    const std::string long_text(2'000'000, '\n');
    const std::string long_array = "a:1:{i:0;s:2000000:\"" + long_text + "\";}";
    CHECK(decoded(Format::php, long_array).size() == 4'000'004);
    CHECK(decoded(Format::php, long_array, 3'000'000).starts_with("dead: "));
}

TEST_CASE("format: json is handed on as it is, if it is JSON") {
    CHECK(decoded(Format::json, " {\"a\": [1, null]} ") == " {\"a\": [1, null]} ");
    for (const char* body : {"", "{", "[1,]", "nul", "1 2"}) {
        CAPTURE(body);
        CHECK(decoded(Format::json, body) == "dead: its body is not JSON");
    }
    // No stack is needed, however deep it is.
    CHECK(decoded(Format::json, std::string(1'000'000, '[')) == "dead: its body is not JSON");
}

}  // TEST_SUITE("body_format")
