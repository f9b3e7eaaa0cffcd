#include "client/answer_fields.hpp"
#include "client/failure.hpp"
#include "client/plugin/status.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

TEST_SUITE("answer_fields") {

using namespace myq;

namespace {

nlohmann::json field(const std::string& value) {
    return nlohmann::json::parse("{\"f\":" + value + "}");
}

std::string plugins(const std::string& member, const std::string& value) {
    auto plugin = nlohmann::json::parse(
        R"({"file":"a","path":"/p/a.so","name":"a","version":"1","state":"live","since_ms":1,)"
        R"("routes":[{"queue":"q","name":"n","type":7,"by":"config"}],"types":[7],"options":)"
        R"([{"name":"o","kind":"text","default":"","help":"h","required":true}],)"
        R"("size":3,"build_id":"","reason":""})");
    if (!member.empty()) plugin[member] = nlohmann::json::parse(value);
    return nlohmann::json{{"dir", "/p"}, {"watched", true}, {"plugins", {plugin}}}.dump();
}

}  // namespace

TEST_CASE("answer: a number is taken whole or not at all") {
    CHECK(answer::integer_in<std::int8_t>(field("-128"), "f") == -128);
    CHECK(answer::count(field("18446744073709551615"), "f") == 18446744073709551615U);
    CHECK(!answer::integer_if_known<int>(field("null"), "f"));
    for (const char* value : {"128", "-129", "1.0", "\"1\"", "true", "[]", "null"}) {
        CAPTURE(value);
        CHECK_THROWS_WITH_AS(answer::integer_in<std::int8_t>(field(value), "f"),
                             "'f' is no such number", std::invalid_argument);
    }
    CHECK_THROWS_WITH_AS(answer::count(field("-1"), "f"), "'f' is no count", std::invalid_argument);
}

TEST_CASE("answer: a time is one that a calendar can show") {
    CHECK(answer::moment(field("0"), "f") == 0);
    CHECK(answer::moment(field("253402300799999"), "f") == 253402300799999);
    for (const char* value :
         {"-1", "253402300800000", "-9223372036854775808", "9223372036854775807"})
        CHECK_THROWS_WITH_AS(answer::moment(field(value), "f"), "'f' is no time",
                             std::invalid_argument);
}

TEST_CASE("answer: nothing of another kind is taken for a text, a list, a yes") {
    CHECK_THROWS_AS(answer::text(field("1"), "f"), std::invalid_argument);
    CHECK_THROWS_AS(answer::list(field("{}"), "f"), std::invalid_argument);
    CHECK_THROWS_AS(answer::flag(field("1"), "f"), std::invalid_argument);
}

TEST_CASE("answer: a daemon's plugins are taken as it says them, or refused with the field") {
    const PluginDirectory fine = parse_plugins(plugins("", ""));
    REQUIRE(fine.plugins.size() == 1);
    CHECK(fine.plugins[0].since_ms == 1);
    CHECK(fine.plugins[0].types == std::vector<std::int64_t>{7});
    CHECK(fine.plugins[0].size == 3U);
    CHECK(!parse_plugins(plugins("since_ms", "null")).plugins[0].since_ms);
    struct Row {
        const char *member, *value;
    };
    for (const Row& row :
         {Row{"since_ms", "-9223372036854775807"}, Row{"types", "[1.5]"}, Row{"types", "{}"},
          Row{"size", "-1"}, Row{"routes", "{}"}, Row{"reason", "null"}}) {
        CAPTURE(row.member);
        try {
            parse_plugins(plugins(row.member, row.value));
            FAIL("taken");
        } catch (const Failure& e) {
            CHECK_MESSAGE(std::string(e.what()).find("cannot be read") != std::string::npos,
                          e.what());
            CHECK(std::string(e.what()).find(row.member) != std::string::npos);
        }
    }
}

}  // TEST_SUITE("answer_fields")
