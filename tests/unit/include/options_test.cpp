#include <myq/handler.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

TEST_SUITE("options") {

using namespace std::chrono_literals;

namespace {

// One option called "it" with these values.
class It {
public:
    explicit It(std::vector<const char*> values) : values_(std::move(values)) {}
    myq::Options options() const { return {&option_, 1}; }

private:
    std::vector<const char*> values_;
    myq_option option_{"it", values_.data(), values_.size()};
};

}  // namespace

TEST_CASE("options: what the config does not set is what the caller says") {
    const myq::Options none(nullptr, 0);
    CHECK_FALSE(none.has("it"));
    CHECK(none.text("it") == "");
    CHECK(none.text("it", "other") == "other");
    CHECK(none.list("it").empty());
    CHECK(none.integer("it", 5) == 5);
    CHECK(none.boolean("it", true));
    CHECK(none.duration("it", 3s) == 3s);
}

TEST_CASE("options: an option is found by its whole name") {
    const It it({"value"});
    CHECK(it.options().has("it"));
    CHECK_FALSE(it.options().has("i"));
    CHECK_FALSE(it.options().has("items"));
    CHECK(it.options().text("it") == "value");
}

TEST_CASE("options: a list has every value, and is no single text") {
    const It it({"a", "", "c"});
    CHECK(it.options().list("it") == std::vector<std::string>{"a", "", "c"});
    CHECK_THROWS_WITH_AS(it.options().text("it"), "option 'it' takes one value",
                         std::invalid_argument);
}

TEST_CASE("options: an integer is a decimal number of 64 bits and nothing around it") {
    CHECK(It({"0"}).options().integer("it", 9) == 0);
    CHECK(It({"-12"}).options().integer("it", 9) == -12);
    CHECK(It({"9223372036854775807"}).options().integer("it", 9) == INT64_MAX);
    CHECK(It({"-9223372036854775808"}).options().integer("it", 9) == INT64_MIN);
    for (const char* text :
         {"", "x", "1x", " 1", "1 ", "+1", "0x10", "1.5", "9223372036854775808"}) {
        CAPTURE(text);
        CHECK_THROWS_WITH_AS(It({text}).options().integer("it", 9),
                             "option 'it' is not a whole number", std::invalid_argument);
    }
}

TEST_CASE("options: a boolean is true or false") {
    CHECK(It({"true"}).options().boolean("it", false));
    CHECK_FALSE(It({"false"}).options().boolean("it", true));
    for (const char* text : {"", "yes", "True", "1"}) {
        CAPTURE(text);
        CHECK_THROWS_WITH_AS(It({text}).options().boolean("it", false),
                             "option 'it' is neither true nor false", std::invalid_argument);
    }
}

TEST_CASE("options: a duration is a number with its unit") {
    struct Row {
        const char* text;
        std::chrono::milliseconds value;
    };
    for (const Row& row : {Row{"0s", 0s}, Row{"250ms", 250ms}, Row{"30s", 30s}, Row{"5m", 5min},
                           Row{"2h", 2h}, Row{"1d", 24h}}) {
        CAPTURE(row.text);
        CHECK(It({row.text}).options().duration("it", 1s) == row.value);
    }
    for (const char* text : {"", "5", "s", "5x", "5 s", "-5s", "1.5s", "5mss", "5S",
                             "106751991168d", "9223372036854775808ms"}) {
        CAPTURE(text);
        CHECK_THROWS_WITH_AS(It({text}).options().duration("it", 1s),
                             "option 'it' is not a duration such as 30s", std::invalid_argument);
    }
}

}  // TEST_SUITE("options")
