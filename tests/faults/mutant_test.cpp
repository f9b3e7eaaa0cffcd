// The faults are looked for by tests that can find them: each build in mutants/, which is the
// daemon with one mistake in it, is caught by the scenario that passes with the daemon itself.
#include "tests/faults/mutant_scenarios.hpp"
#include "tests/faults/scale.hpp"
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

TEST_SUITE("mutant") {

using namespace myq::test;

namespace {

// From here on, in this process, the daemon is that one.
void run_mutant(const std::string& name) {
    const std::string binary = fmt::format("{}/myqd_{}", MUTANTS, name);
    REQUIRE(std::filesystem::exists(binary));
    REQUIRE(::setenv("MYQD", binary.c_str(), 1) == 0);
}

// Chance is on the mutant's side once in a long while: it is given no second one.
void must_be_caught(const std::string& name, const std::string& by,
                    const std::function<std::vector<std::string>()>& scenario) {
    run_mutant(name);
    const auto broken = scenario();
    bool is_caught = false;
    for (const std::string& sentence : broken) {
        MESSAGE(name, ": ", sentence);
        is_caught = is_caught || sentence.find(by) != std::string::npos;
    }
    CHECK(is_caught);
}

void must_be_clean(const std::function<std::vector<std::string>()>& scenario) {
    REQUIRE(std::getenv("MYQD") == nullptr);
    for (const std::string& sentence : scenario())
        FAIL_CHECK(sentence);
}

// The first loss ends it: mostly after 40 to 200.
constexpr std::size_t most_kills = 2'000;
constexpr int most_cuts = 20;
constexpr const char* lost_in_a_cut = "confirmed messages are neither handled nor in the journal";

}  // namespace

TEST_CASE("mutants: what catches them finds nothing wrong with the daemon itself") {
    SUBCASE("killed workers") {
        must_be_clean([] { return kill_busy_workers(scaled(100, 1'000)); });
    }
    SUBCASE("power cuts") {
        must_be_clean([] { return cut_the_power(2); });
    }
    SUBCASE("more groups") {
        must_be_clean(start_with_more_groups);
    }
}

TEST_CASE("mutant private_buffer is caught") {
    must_be_caught("private_buffer", "I1: ", [] { return kill_busy_workers(most_kills); });
}

TEST_CASE("mutant confirm_early is caught") {
    must_be_caught("confirm_early", lost_in_a_cut, [] { return cut_the_power(most_cuts); });
}

TEST_CASE("mutant normal_sync is caught" * doctest::test_suite("long")) {
    must_be_caught("normal_sync", lost_in_a_cut, [] { return cut_the_power(most_cuts); });
}

TEST_CASE("mutant no_setgroups is caught") {
    must_be_caught("no_setgroups", "groups", start_with_more_groups);
}

}  // TEST_SUITE("mutant")
