#include "daemon/handler_table.hpp"
#include "tests/unit/daemon/plugin_dir.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

TEST_SUITE("handler_table") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

Route route(const PluginDir& dir, const std::string& plugin, std::optional<std::int64_t> type,
            const std::string& name = "") {
    HandlerConfig handler;
    handler.plugin = plugin;
    handler.type = type;
    handler.name = name;
    handler.where = "myq.yaml:9:7";
    // dlopen() knows a library by its name, here the number of the image's descriptor: it must not
    // come to mean another plugin in a process that has loaded one.
    static std::vector<std::shared_ptr<const PluginImage>> kept;
    return {handler, kept.emplace_back(read_plugin(dir.path(), plugin, 0))};
}

// The name of the handler that takes the type, "" for none.
std::string taker(const HandlerTable& table, std::int64_t type) {
    const LiveHandler* found = table.find(type);
    return found == nullptr ? "" : found->config->name;
}

}  // namespace

TEST_CASE("a type goes to its own handler, and the rest to the one for any") {
    const PluginDir dir{"auto_42", "auto_42_too"};
    // In no order at all.
    const std::vector<Route> routes{
        route(dir, "auto_42", 900, "nine"), route(dir, "auto_42_too", {}, "any"),
        route(dir, "auto_42", 1, "one"), route(dir, "auto_42_too", largest, "last"),
        route(dir, "auto_42", 7, "seven")};
    const HandlerTable table(routes);
    CHECK(taker(table, 1) == "one");
    CHECK(taker(table, 7) == "seven");
    CHECK(taker(table, 900) == "nine");
    CHECK(taker(table, largest) == "last");
    for (const std::int64_t type : {std::int64_t{2}, std::int64_t{899}, largest - 1}) {
        CAPTURE(type);
        CHECK(taker(table, type) == "any");
    }
    CHECK(table.find(7)->plugin->name == std::string("auto_42"));
    CHECK(table.find(8)->plugin->name == std::string("auto_42_too"));
}

TEST_CASE("a type that no slot ever held finds something or nothing, but never crashes") {
    const PluginDir dir{"auto_42"};
    const std::vector<Route> routes{route(dir, "auto_42", 7, "seven")};
    const HandlerTable table(routes);
    for (const std::int64_t type :
         {std::int64_t{0}, std::int64_t{-7}, std::numeric_limits<std::int64_t>::min(), largest}) {
        CHECK(table.find(type) == nullptr);
    }
}

TEST_CASE("without a handler for any, other types have none") {
    const PluginDir dir{"auto_42"};
    const std::vector<Route> routes{route(dir, "auto_42", 7)};
    CHECK(HandlerTable(routes).find(8) == nullptr);
    CHECK(HandlerTable({}).find(8) == nullptr);
    const std::vector<Route> any_only{route(dir, "auto_42", {}, "any")};
    const HandlerTable table(any_only);
    CHECK(taker(table, 8) == "any");
}

TEST_CASE("two handlers of one plugin are two states of one library") {
    const PluginDir dir{"auto_42"};
    Route first = route(dir, "auto_42", 1);
    Route second = first;
    second.handler.type = 2;
    const std::vector<Route> routes{first, second};
    const HandlerTable table(routes);
    CHECK(table.find(1)->state != table.find(2)->state);
    CHECK(table.find(1)->plugin == table.find(2)->plugin);
}

TEST_CASE("a timeout is kept in nanoseconds, none as 0") {
    const PluginDir dir{"auto_42"};
    std::vector<Route> routes{route(dir, "auto_42", 1), route(dir, "auto_42", 2)};
    routes[0].handler.timeout = std::chrono::milliseconds{1'500};
    const HandlerTable table(routes);
    CHECK(table.find(1)->timeout_ns == 1'500'000'000);
    CHECK(table.find(2)->timeout_ns == 0);
}

TEST_CASE("a handler that does not start says why, by its line in the config") {
    const PluginDir dir{"auto_42", "throws_in_start"};
    const std::vector<Route> routes{route(dir, "auto_42", 1), route(dir, "throws_in_start", 2)};
    CHECK_THROWS_WITH_AS(
        HandlerTable{routes},
        "myq.yaml:9:7: plugin throws_in_start does not start: the database is on holiday",
        PluginError);
}

TEST_CASE("an object that is no plugin of this daemon is refused when it is loaded") {
    struct Row {
        const char *plugin, *reason;
    };
    const Row rows[] = {
        {"no_symbol", ": exports no myq_plugin_entry(); see <myq/plugin.h>"},
        {"null_entry", ": refuses this daemon (myq_plugin_entry returned NULL)"},
        {"wrong_abi", ": is built for plugin ABI 99.0, this daemon has "},
        {"short_struct", ": its struct myq_plugin has "},
    };
    for (const Row& row : rows) {
        CAPTURE(row.plugin);
        const PluginDir dir{row.plugin};
        const std::vector<Route> routes{route(dir, row.plugin, 1)};
        const std::string sentence = dir.file(row.plugin).string() + row.reason;
        CHECK_THROWS_WITH_AS(HandlerTable{routes}, doctest::Contains(sentence.c_str()),
                             PluginError);
    }
}

}  // TEST_SUITE("handler_table")
