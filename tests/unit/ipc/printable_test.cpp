#include "ipc/printable.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("printable") {

using namespace myq;

TEST_CASE("Nothing that a terminal would obey passes through printable") {
    CHECK(printable("plain ~ text") == "plain ~ text");
    CHECK(printable("") == "");
    CHECK(printable("\x1b[31m") == "\\x1b[31m");
    CHECK(printable(std::string("\0\x7f\x80\xff", 4)) == "\\x00\\x7f\\x80\\xff");
    CHECK(printable("a\nb\tc\rd") == "a\\nb\\tc\\rd");
    for (int byte = 0; byte < 256; ++byte) {
        for (const char c : printable(std::string(1, static_cast<char>(byte)))) {
            CHECK((c >= 0x20 && c <= 0x7e));
        }
    }
}

TEST_CASE("Two different bodies never look the same") {
    CHECK(printable("\\x41") == "\\\\x41");
    CHECK(printable("\\n") != printable("\n"));
}

}  // TEST_SUITE("printable")
