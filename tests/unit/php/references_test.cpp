#include "php/serialize.hpp"
#include "php/unserialize.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("references") {

using namespace myq::php;

namespace {

std::string again(const std::string& text) {
    const Unserialized all = unserialize(text);
    return all ? serialize(all.value()) : "refused";
}

}  // namespace

// All answers are PHP 8.2's own.

TEST_CASE("Slots count values, not keys, and shared variables once") {
    for (const char* text : {
             "a:4:{i:0;O:8:\"stdClass\":0:{}i:1;r:2;i:2;i:5;i:3;R:4;}",
             "a:3:{i:0;i:1;i:1;R:2;i:2;R:2;}",
             "a:3:{i:0;a:1:{i:0;i:7;}i:1;R:3;i:2;R:2;}",
             "O:8:\"stdClass\":2:{s:1:\"a\";r:1;s:1:\"b\";a:1:{i:0;r:1;}}",
             "a:1:{i:0;a:1:{i:0;R:2;}}",
         }) {
        CHECK(again(text) == text);
    }
}

TEST_CASE("A reference to nothing, to itself or, for a handle, to no object is refused") {
    for (const char* text :
         {"R:1;", "r:1;", "a:1:{i:0;R:2;}", "a:1:{i:0;R:0;}", "a:1:{i:0;r:2;}",
          "a:2:{i:0;i:1;i:1;r:2;}", "a:2:{i:0;i:1;i:1;R:3;}", "a:2:{i:0;i:1;i:0;R:2;}",
          "a:1:{R:1;i:0;}", "a:1:{i:0;r:1;}", "a:2:{i:0;O:1:\"A\":0:{}i:0;r:2;}"}) {
        CAPTURE(text);
        CHECK(again(text) == "refused");
    }
    CHECK(unserialize("a:2:{i:0;i:1;i:1;r:2;}").fault->text() ==
          "byte 17: expected the slot of an earlier object");
}

TEST_CASE("What others refer to survives when its place is taken") {
    CHECK(again("a:3:{i:0;i:1;i:1;R:2;i:0;i:5;}") == "a:2:{i:0;i:5;i:1;i:1;}");
    CHECK(again("a:3:{i:0;a:1:{i:0;i:7;}i:0;i:1;i:1;R:3;}") == "a:2:{i:0;i:1;i:1;i:7;}");
    CHECK(again("a:3:{i:0;i:9;i:1;i:5;i:0;R:3;}") == "a:2:{i:0;i:5;i:1;R:2;}");
    CHECK(again("a:3:{i:0;O:1:\"A\":0:{}i:1;r:2;i:2;R:3;}") ==
          "a:3:{i:0;O:1:\"A\":0:{}i:1;R:2;i:2;R:2;}");
    CHECK(again("a:3:{i:0;O:1:\"A\":1:{s:1:\"x\";i:1;}i:1;r:2;i:0;N;}") ==
          "a:2:{i:0;N;i:1;O:1:\"A\":1:{s:1:\"x\";i:1;}}");
}

TEST_CASE("A variable that is left in one place is none any more") {
    CHECK(again("a:4:{i:0;O:1:\"A\":0:{}i:1;r:2;i:2;R:3;i:2;N;}") ==
          "a:3:{i:0;O:1:\"A\":0:{}i:1;r:2;i:2;N;}");
}

TEST_CASE("A reference to the whole stays one") {
    CHECK(again("a:1:{i:0;R:1;}") == "a:1:{i:0;R:1;}");
    CHECK(again("O:1:\"A\":1:{s:1:\"x\";R:1;}") == "O:1:\"A\":1:{s:1:\"x\";R:1;}");
}

TEST_CASE("Values that are put elsewhere must not make more levels than are allowed") {
    // Each is put at the innermost place of the one before it, which comes first.
    const std::string text =
        "a:5:{i:0;a:1:{i:0;a:1:{i:0;i:1;}}i:1;a:1:{i:0;a:1:{i:0;i:2;}}i:2;N;i:0;R:5;i:1;N;}";
    CHECK(again(text) == "a:3:{i:0;a:1:{i:0;a:1:{i:0;i:2;}}i:1;N;i:2;N;}");
    const std::string deeper =
        "a:3:{i:0;a:1:{i:0;a:1:{i:0;N;}}i:1;a:1:{i:0;a:1:{i:0;i:2;}}i:0;a:1:{i:0;a:1:{i:0;R:5;}}}";
    CHECK(again(deeper) == "a:2:{i:0;a:1:{i:0;a:1:{i:0;a:1:{i:0;a:1:{i:0;i:2;}}}}i:1;R:4;}");
    const Unserialized refused = unserialize(deeper, {.depth = 4});
    REQUIRE(!refused);
    CHECK(refused.fault->text() == "byte 88: its references make it nested too deep");
}

}  // TEST_SUITE("references")
