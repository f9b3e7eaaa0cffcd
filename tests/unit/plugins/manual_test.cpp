// myq-handlers(7) and what the plugins say of themselves.
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <sstream>
#include <string>

TEST_SUITE("manual") {

namespace {

// What stands in the manual under each "name.option".
std::map<std::string, std::string> documented() {
    std::map<std::string, std::string> entries;
    const std::regex item(R"(\.It Ic ([a-z]+\.[a-z_]+) : .*)");
    std::istringstream lines(contents(MYQ_HANDLERS_MANUAL));
    std::string current;
    std::smatch match;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(".El")) current.clear();
        if (std::regex_match(line, match, item)) {
            current = match[1];
            entries[current] = "";
        } else if (!current.empty()) {
            entries[current] += line + "\n";
        }
    }
    return entries;
}

}  // namespace

TEST_CASE("myq-handlers(7) has every option of every bundled plugin, and no other") {
    auto manual = documented();
    for (const char* name : {"log", "exec", "append", "store", "http", "sql", "mail", "forward"}) {
        const myq_plugin& plugin = description(name);
        CHECK(std::string(plugin.name) == name);
        for (std::size_t i = 0; i < plugin.option_count; ++i) {
            const myq_option_spec& option = plugin.options[i];
            const auto entry = manual.find(std::string(name) + "." + option.name);
            CAPTURE(std::string(name) + "." + option.name);
            REQUIRE(entry != manual.end());
            const std::string& text = entry->second;
            CHECK((text.find("Must be there.") != std::string::npos) == (option.required != 0));
            if (option.default_value != nullptr) {
                const auto said = text.find("\nDefault");
                REQUIRE((said != std::string::npos || text.starts_with("Default")));
                const bool is_type = std::string(option.default_value) == "type";  // in words
                CHECK((is_type || text.find(option.default_value) != std::string::npos));
            }
            manual.erase(entry);
        }
    }
    for (const auto& [name, text] : manual)
        FAIL_CHECK(name << " is in the manual and nowhere else");
}

}  // TEST_SUITE("manual")
