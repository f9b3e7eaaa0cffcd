#include "sdk/contract.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

TEST_SUITE("contract") {

using namespace myq;

namespace {

myq_plugin good() {
    myq_plugin plugin{};
    plugin.size = sizeof plugin;
    plugin.abi_major = MYQ_ABI_MAJOR;
    plugin.abi_minor = MYQ_ABI_MINOR;
    plugin.name = "resize";
    plugin.version = "1.0";
    plugin.start = [](const myq_host*, const myq_option*, size_t, char*, size_t) -> void* {
        return nullptr;
    };
    plugin.handle = [](void*, const myq_message*, myq_outcome*) {};
    return plugin;
}

std::string problem_with(const std::vector<myq_option_spec>& schema) {
    myq_plugin plugin = good();
    plugin.options = schema.data();
    plugin.option_count = schema.size();
    return contract_problem(&plugin, "this daemon");
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE(
    "contract: another major number is refused with both and what to do, a minor is welcome") {
    myq_plugin plugin = good();
    CHECK(contract_problem(&plugin, "this daemon").empty());
    plugin.abi_minor = MYQ_ABI_MINOR + 7;
    CHECK(contract_problem(&plugin, "this daemon").empty());
    plugin.abi_major = MYQ_ABI_MAJOR + 1;
    const std::string problem = contract_problem(&plugin, "this daemon");
    CHECK(contains(problem, "is built for plugin ABI " + std::to_string(MYQ_ABI_MAJOR + 1) + "." +
                                std::to_string(MYQ_ABI_MINOR + 7)));
    CHECK(contains(problem, "this daemon has " + std::to_string(MYQ_ABI_MAJOR) + "." +
                                std::to_string(MYQ_ABI_MINOR) + "; build it again"));
}

TEST_CASE("contract: a description that lacks something is refused") {
    CHECK(contains(contract_problem(nullptr, "this daemon"), "refuses this daemon"));
    myq_plugin plugin = good();
    plugin.size = offsetof(myq_plugin, handle);
    CHECK(contains(contract_problem(&plugin, ""), "at least"));
    for (const auto spoil :
         {+[](myq_plugin& it) { it.name = nullptr; }, +[](myq_plugin& it) { it.version = nullptr; },
          +[](myq_plugin& it) { it.start = nullptr; },
          +[](myq_plugin& it) { it.handle = nullptr; }}) {
        plugin = good();
        spoil(plugin);
        CHECK(contract_problem(&plugin, "") ==
              "its description lacks name, version, start or handle");
    }
    plugin = good();
    plugin.type_count = 3;
    CHECK(contract_problem(&plugin, "") == "it counts 3 types and names none");
}

TEST_CASE("contract: a schema that says nothing is refused") {
    const myq_option_spec fine{"label", MYQ_OPTION_TEXT, 0, nullptr, nullptr};
    CHECK(problem_with({fine}).empty());
    CHECK(problem_with({fine, {nullptr, MYQ_OPTION_TEXT, 0, nullptr, nullptr}}) ==
          "option 2 of its schema has no name");
    CHECK(problem_with({{"", MYQ_OPTION_TEXT, 0, nullptr, nullptr}}) ==
          "option 1 of its schema has no name");
    CHECK(problem_with({fine, fine}) == "its schema has option 'label' twice");
    CHECK(problem_with({{"label", 99, 0, nullptr, nullptr}}) ==
          "its schema says kind 99 of option 'label', which this version does not know");
    CHECK(!problem_with({{"label", -1, 0, nullptr, nullptr}}).empty());
}

TEST_CASE("options: one that is given twice is a problem, and so is an empty list") {
    const myq_option_spec schema[] = {{"label", MYQ_OPTION_TEXT, 0, nullptr, nullptr},
                                      {"list", MYQ_OPTION_LIST, 0, nullptr, nullptr}};
    myq_plugin plugin = good();
    plugin.options = schema;
    plugin.option_count = 2;
    const char* value = "x";
    const myq_option twice[] = {{"label", &value, 1}, {"label", &value, 1}};
    auto problems = option_problems(plugin, twice, 2);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].index == 1);
    CHECK(problems[0].sentence == "is there twice");
    const myq_option empty[] = {{"list", nullptr, 0}, {"label", nullptr, 0}};
    problems = option_problems(plugin, empty, 2);
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].sentence == "is an empty list");
    CHECK(problems[1].sentence == "takes one value, not a list");
}

TEST_CASE("contract: many at once has two members or none, and is looked for where it may be") {
    myq_plugin plugin = good();
    plugin.handle_many = [](void*, const myq_message* const*, myq_outcome* const*, size_t) {};
    CHECK(contract_problem(&plugin, "") ==
          "its description has only one of most_at_once and handle_many");
    plugin.most_at_once = [](void*) { return size_t{7}; };
    CHECK(contract_problem(&plugin, "").empty());
    plugin.handle_many = nullptr;
    CHECK(!contract_problem(&plugin, "").empty());
    plugin.size = offsetof(myq_plugin, most_at_once);  // as of 1.2
    CHECK(contract_problem(&plugin, "").empty());
}

}  // TEST_SUITE("contract")
