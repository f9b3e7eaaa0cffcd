#include "config/suggestion.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

TEST_SUITE("suggestion") {

using namespace myq;

namespace {

constexpr std::array<std::string_view, 6> known = {"name",     "key",       "mode",
                                                   "handlers", "receivers", "capacity"};

std::string meant(std::string_view word) {
    return std::string(closest(word, known).value_or(""));
}

}  // namespace

TEST_CASE("suggestion: a slip or two leads to the word that was meant") {
    struct Row {
        const char* word;
        const char* meant;
    };
    const std::vector<Row> rows = {
        {"handler", "handlers"},    // missing
        {"handlerss", "handlers"},  // too many
        {"handlars", "handlers"},   // wrong
        {"hanlders", "handlers"},   // swapped
        {"hanlder", "handlers"},    // two slips
        {"recievers", "receivers"}, {"kye", "key"}, {"nmae", "name"}, {"name", "name"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.word);
        CHECK(meant(row.word) == row.meant);
    }
}

TEST_CASE("suggestion: a word that is like none gets none") {
    for (const std::string word : {"durability", "watch", "x", "", "ab"}) {
        CAPTURE(word);
        CHECK(meant(word).empty());
    }
    CHECK(meant(std::string(1'000'000, 'k')).empty());
    CHECK_FALSE(closest("name", {}).has_value());
}

TEST_CASE("suggestion: the nearest wins, and of two the first") {
    const std::array<std::string_view, 3> words = {"mode", "node", "modes"};
    CHECK(closest("modes", words) == "modes");
    CHECK(closest("lode", words) == "mode");
}

}  // TEST_SUITE("suggestion")
