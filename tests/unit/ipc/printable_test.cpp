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

TEST_CASE("Of a line only plain text passes as it is, and what is escaped stays so") {
    struct Row {
        std::string text, line;
    };
    const Row rows[] = {
        {"plain \\ text", "plain \\ text"},
        {"f\xc3\xbcr \xe2\x82\xac \xf0\x9f\x99\x82", "f\xc3\xbcr \xe2\x82\xac \xf0\x9f\x99\x82"},
        {"\x1b[31m\x7f", "\\x1b[31m\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
        {"\xe2\x80\x8b\xef\xbb\xbf", "\\xe2\\x80\\x8b\\xef\\xbb\\xbf"},
        {"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"},
        {"\xff\xc3", "\\xff\\xc3"},
        {"\xc0\xaf\xed\xa0\x80", "\\xc0\\xaf\\xed\\xa0\\x80"},
        {"a\nb\tc\r", "a\\nb\\tc\\r"},
    };
    for (const Row& row : rows) {
        CHECK(plain_line(row.text) == row.line);
        CHECK(plain_line(row.line) == row.line);
    }
    CHECK(plain_lines("a\nb\tc\r\n") == "a\nb\tc\\r\n");
}

TEST_CASE("JSON means the same with only plain text in it") {
    CHECK(plain_json("{\"a\":\"\\\\ f\xc3\xbcr\"}\n") == "{\"a\":\"\\\\ f\xc3\xbcr\"}\n");
    CHECK(plain_json("\"\x7f\xc2\x9b\xe2\x80\xae\"") == "\"\\u007f\\u009b\\u202e\"");
    CHECK(plain_json("\"\xf3\xa0\x81\x81\"") == "\"\\udb40\\udc41\"");
    CHECK(plain_json("\"\xff\"") == "\"\\ufffd\"");
}

}  // TEST_SUITE("printable")
