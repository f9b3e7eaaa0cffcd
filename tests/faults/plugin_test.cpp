// Whatever lies in the plugins directory: F28.
#include "tests/faults/expect.hpp"
#include "tests/faults/flood.hpp"
#include "tests/faults/scale.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

TEST_SUITE("plugin") {

using namespace myq::test;

namespace {

constexpr std::size_t flood_limit = 6'000'000;

// The live plugin's file, and what is done to it while messages come in.
class Target {
public:
    explicit Target(Stage& stage) : stage_(stage) {}

    // By rename; the code is that of another test plugin, or the first half of it.
    void replace(const std::string& plugin, bool whole = true) {
        const std::string code = code_of(plugin);
        const std::string fresh = file() + ".new";
        write_file(fresh, whole ? code : code.substr(0, code.size() / 2));
        std::filesystem::permissions(fresh, std::filesystem::perms{0644});
        std::filesystem::rename(fresh, file());
    }

    // In place, as cp does; and with a look at the daemon when half of it is written.
    void overwrite(const std::string& plugin, bool slowly) {
        const std::string code = code_of(plugin);
        const auto half = static_cast<std::streamsize>(code.size() / 2);
        std::ofstream out(file(), std::ios::binary);
        out.write(code.data(), half);
        if (slowly) {
            out.flush();
            CHECK(goes_on());
        }
        out.write(code.data() + half, static_cast<std::streamsize>(code.size()) - half);
    }

    // Messages are handled, by whatever code.
    bool goes_on() const {
        const std::size_t before = stage_.checker.handled();
        return eventually([&] { return stage_.checker.handled() > before; });
    }

    // Waits until the daemon has said once more what this change must come to.
    bool comes_to(const std::string& line) { return stage_.daemon.logged(line, ++said_[line]); }

private:
    static std::string code_of(const std::string& plugin) {
        return read_file(fmt::format("{}/{}.so", TEST_PLUGINS, plugin));
    }
    std::string file() const { return stage_.daemon.plugin_dir() / "ledger.so"; }

    Stage& stage_;
    std::map<std::string, int> said_;
};

// Good code is always other than the last, or it would be no news.
const char* next_good() {
    static bool second = false;
    second = !second;
    return second ? "ledger_2" : "ledger";
}

constexpr const char* live = " is live";
constexpr const char* refused = "plugin refused: ";

struct Change {
    const char* name;
    void (*make)(Target& target);
    const char* line;  // what the daemon says of it at last
};
constexpr Change changes[] = {
    {"good", [](Target& target) { target.replace(next_good()); }, live},
    {"good again", [](Target& target) { target.replace(next_good()); }, live},
    {"cp", [](Target& target) { target.overwrite(next_good(), false); }, live},
    {"half-written", [](Target& target) { target.overwrite(next_good(), true); }, live},
    {"dies in start", [](Target& target) { target.replace("ledger_dies_in_start"); }, refused},
    {"dies in handle", [](Target& target) { target.replace("ledger_dies"); }, refused},
    {"fails", [](Target& target) { target.replace("ledger_fails"); }, refused},
    {"cut", [](Target& target) { target.replace("ledger", false); }, refused},
    {"wrong ABI", [](Target& target) { target.replace("wrong_abi"); }, refused},
};

void storm_of_replacements(const std::string& durability) {
    Stage stage({.messages = flood_limit, .durability = durability, .receivers = 4});
    REQUIRE(stage.daemon.start().exit_code == 0);
    std::mt19937 random(seed());
    Target target(stage);
    std::size_t made = 0;
    {
        Flood flood(stage, flood_limit, seed());
        REQUIRE(target.goes_on());
        for (std::size_t round = 0; round < scaled(2); ++round) {
            std::vector<Change> order(std::begin(changes), std::end(changes));
            std::shuffle(order.begin(), order.end(), random);
            for (const Change& change : order) {
                CAPTURE(std::string(change.name));
                if (flood.is_over()) break;
                change.make(target);
                REQUIRE_MESSAGE(target.comes_to(change.line), stage.daemon.log());
                CHECK(target.goes_on());
                ++made;
            }
        }
    }
    CHECK(made >= scaled(2) * std::size(changes));
    expect_promises_kept(stage);
}

}  // namespace

TEST_CASE("F28: a storm of plugin replacements under load, durability: memory" *
          doctest::test_suite("long")) {
    storm_of_replacements("memory");
}

TEST_CASE("F28: a storm of plugin replacements under load, durability: journal" *
          doctest::test_suite("long")) {
    storm_of_replacements("journal");
}

}  // TEST_SUITE("plugin")
