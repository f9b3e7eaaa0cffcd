#include "daemon/option_check.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

TEST_SUITE("option_check") {

using namespace myq;

namespace {

using Lines = std::vector<std::string>;

constexpr myq_option_spec specs[] = {
    {"command", MYQ_OPTION_LIST, 1, nullptr, "what to run"},
    {"label", MYQ_OPTION_TEXT, 0, nullptr, "shown to people"},
    {"retries", MYQ_OPTION_INTEGER, 0, "3", "how often"},
    {"fast", MYQ_OPTION_BOOLEAN, 0, "false", "less care"},
    {"pause", MYQ_OPTION_DURATION, 0, "1s", "between two"},
    {"file", MYQ_OPTION_PATH, 0, nullptr, "where to"},
};

// Refuses label "bad" with its own sentence, and "worse" without one.
int check(const myq_option* options, std::size_t count, char* reason, std::size_t reason_size) {
    for (std::size_t i = 0; i < count; ++i) {
        if (std::strcmp(options[i].name, "label") != 0) continue;
        const std::string_view label = options[i].values[0];
        if (label == "bad") std::snprintf(reason, reason_size, "label '%s' brings bad luck", "bad");
        if (label == "endless") std::memset(reason, 'x', reason_size);  // no NUL
        return label == "bad" || label == "worse" || label == "endless" ? 1 : 0;
    }
    return 0;
}

myq_plugin plugin() {
    myq_plugin plugin{};
    plugin.size = sizeof plugin;
    plugin.name = "resize";
    plugin.version = "1.0";
    plugin.options = specs;
    plugin.option_count = std::size(specs);
    plugin.check = check;
    return plugin;
}

HandlerConfig handler(std::vector<OptionConfig> options) {
    HandlerConfig handler;
    handler.plugin = "resize";
    handler.where = "myq.yaml:9:7";
    handler.options = std::move(options);
    return handler;
}

const OptionConfig command{"command", {"/bin/true", "-x"}, "myq.yaml:10:9"};

Lines problems_with(const OptionConfig& option) {
    return check_options(plugin(), handler({command, option}));
}

}  // namespace

TEST_CASE("options that the schema and check() accept are no problem") {
    CHECK(check_options(plugin(), handler({command})).empty());
    CHECK(check_options(plugin(), handler({command,
                                           {"label", {"anything goes"}, ""},
                                           {"retries", {"-9223372036854775808"}, ""},
                                           {"fast", {"true"}, ""},
                                           {"pause", {"250ms"}, ""},
                                           {"file", {"/var/lib/x"}, ""}}))
              .empty());
}

TEST_CASE("an unknown option is named, with what was probably meant") {
    CHECK(problems_with({"retires", {"1"}, "myq.yaml:11:9"}) ==
          Lines{"myq.yaml:11:9: options.retires: plugin resize has no such option; did you mean "
                "'retries'?"});
    CHECK(problems_with({"colour", {"1"}, "myq.yaml:11:9"}) ==
          Lines{"myq.yaml:11:9: options.colour: plugin resize has no such option"});
}

TEST_CASE("a missing option is named where the handler is, with what it is for") {
    CHECK(check_options(plugin(), handler({})) ==
          Lines{"myq.yaml:9:7: options.command: is missing; plugin resize needs it (what to run)"});
    myq_option_spec bare{"command", MYQ_OPTION_TEXT, 1, nullptr, nullptr};
    myq_plugin terse = plugin();
    terse.options = &bare;
    terse.option_count = 1;
    CHECK(check_options(terse, handler({})) ==
          Lines{"myq.yaml:9:7: options.command: is missing; plugin resize needs it"});
}

TEST_CASE("a value of the wrong kind is quoted") {
    struct Row {
        const char *name, *value, *sentence;
    };
    const Row rows[] = {
        {"retries", "three", "'three' is not a whole number"},
        {"retries", "3.5", "'3.5' is not a whole number"},
        {"retries", "", "'' is not a whole number"},
        {"retries", "9223372036854775808", "'9223372036854775808' is not a whole number"},
        {"fast", "yes", "'yes' is neither true nor false"},
        {"pause", "30", "'30' is not a duration such as 30s"},
        {"pause", "-1s", "'-1s' is not a duration such as 30s"},
        {"file", "lib/x", "'lib/x' is not an absolute path"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.value);
        CHECK(problems_with({row.name, {row.value}, "myq.yaml:11:9"}) ==
              Lines{std::string("myq.yaml:11:9: options.") + row.name + ": " + row.sentence});
    }
}

TEST_CASE("only a list takes several values") {
    for (const char* name : {"label", "retries", "fast", "pause", "file"}) {
        CAPTURE(name);
        CHECK(problems_with({name, {"1", "2"}, "w"}) ==
              Lines{std::string("w: options.") + name + ": takes one value, not a list"});
    }
}

TEST_CASE("every problem is told in one run") {
    const Lines problems =
        check_options(plugin(), handler({{"retries", {"x"}, "w:1"}, {"fats", {"true"}, "w:2"}}));
    CHECK(problems.size() == 3);
}

TEST_CASE("what the plugin's own check() says is passed on") {
    CHECK(problems_with({"label", {"bad"}, "w"}) ==
          Lines{"myq.yaml:9:7: options: plugin resize: label 'bad' brings bad luck"});
    CHECK(problems_with({"label", {"worse"}, "w"}) ==
          Lines{"myq.yaml:9:7: options: plugin resize: refuses them and gives no reason"});
    const Lines endless = problems_with({"label", {"endless"}, "w"});
    REQUIRE(endless.size() == 1);
    CHECK(endless[0].size() < 600);
}

TEST_CASE("check() is not asked about options that the schema refuses") {
    CHECK(check_options(plugin(), handler({{"label", {"bad"}, "w"}})).size() == 1);
    CHECK(
        check_options(plugin(), handler({{"label", {"bad"}, "w"}}))[0].ends_with("(what to run)"));
}

TEST_CASE("a plugin without schema knows no option, and one without check() takes all of its own") {
    myq_plugin none = plugin();
    none.options = nullptr;
    none.check = nullptr;
    CHECK(check_options(none, handler({})).empty());
    CHECK(check_options(none, handler({command})).size() == 1);
    myq_plugin trusting = plugin();
    trusting.check = nullptr;
    CHECK(check_options(trusting, handler({command, {"label", {"bad"}, ""}})).empty());
}

}  // TEST_SUITE("option_check")
