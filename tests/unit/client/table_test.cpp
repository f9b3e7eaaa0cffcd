#include "client/table.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("table") {

using namespace myq;

namespace {

using Align = Table::Align;

// A table whose output is a string.
struct Printed {
    explicit Printed(std::size_t width = 0, std::size_t widest = std::string::npos)
        : table({{"ID", Align::right}, {"NAME", Align::left, widest}, {"REST"}}, width,
                [this](std::string_view line) { text += line; }) {}

    std::string text;
    Table table;
};

}  // namespace

TEST_CASE("Columns are as wide as their widest cell, and lines have no blanks at the end") {
    Printed printed;
    printed.table.add({"1", "a", "first"});
    printed.table.add({"100", "longer", ""});
    printed.table.add({"20", "", "third"});
    CHECK(printed.text.empty());
    printed.table.finish();
    CHECK(printed.text == " ID  NAME    REST\n"
                          "  1  a       first\n"
                          "100  longer\n"
                          " 20          third\n");
}

TEST_CASE("A table without rows prints nothing, and finishing twice neither") {
    Printed empty;
    empty.table.finish();
    CHECK(empty.text.empty());
    Printed one;
    one.table.add({"1", "a", "b"});
    one.table.finish();
    const std::string text = one.text;
    one.table.finish();
    CHECK(one.text == text);
}

TEST_CASE("On a terminal the last column ends where the line does") {
    Printed printed(20);
    printed.table.add({"1", "abcd", "0123456789"});
    printed.table.add({"2", "abcd", "01234567890"});
    printed.table.finish();
    CHECK(printed.text == "ID  NAME  REST\n"
                          " 1  abcd  0123456789\n"
                          " 2  abcd  0123456...\n");
}

TEST_CASE("On a terminal that is too narrow something of the last column remains") {
    Printed printed(5);
    printed.table.add({"1", "abcd", "0123456789abc"});
    printed.table.finish();
    CHECK(printed.text == "ID  NAME  REST\n 1  abcd  0123456...\n");
}

TEST_CASE("A column may have a widest cell") {
    Printed printed(0, 6);
    printed.table.add({"1", "abcdef", "x"});
    printed.table.add({"2", "abcdefg", "y"});
    printed.table.finish();
    CHECK(printed.text == "ID  NAME    REST\n"
                          " 1  abcdef  x\n"
                          " 2  abc...  y\n");
}

TEST_CASE("A long table is printed as it comes, in the widths of its first rows") {
    Printed printed;
    for (int i = 1; i <= 300; ++i)
        printed.table.add({std::to_string(i), "n", "r"});
    CHECK(printed.text.find("300  n     r\n") != std::string::npos);
    printed.table.add({"1", "a name that is longer", "r"});
    CHECK(printed.text.ends_with("\n  1  a name that is longer  r\n"));
    printed.table.finish();
    CHECK(printed.text.starts_with(" ID  NAME  REST\n  1  n     r\n"));
}

}  // TEST_SUITE("table")
