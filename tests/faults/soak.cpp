// soak [MINUTES]: storm after storm, each with a seed of its own, on a memory queue and on a
// journaled one in turn; says what became of every message, and exits 1 if a promise was broken. In
// a world.
#include "tests/faults/flood.hpp"
#include "tests/faults/scale.hpp"
#include "tests/faults/stage.hpp"
#include "tests/faults/storm.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace myq::test;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t messages_a_round = 5'000'000;
constexpr seconds longest_round{60};

struct Summary {
    std::uint64_t rounds = 0, sent = 0, handled = 0, worker_kills = 0, daemon_kills = 0, stops = 0;
    std::uint64_t repeated = 0, allowed = 0, broken = 0;
};

// One thing that may happen to a daemon, chosen at random; a storm on workers most often.
void befall(Storm& storm, std::mt19937& random) {
    switch (random() % 12) {
    case 0:
        return storm.kill_daemon(milliseconds{20});
    case 1:
        return storm.kill_while_it_starts();
    case 2:
        return storm.stop(milliseconds{20});
    case 3:
        return storm.stop_while_it_starts();
    case 4:
        return storm.kill_while_it_stops();
    case 5:
        return storm.reload();
    case 6:
        return storm.rotate();
    case 7:
        for (int i = 0; i < 20; ++i)
            storm.kill_child();
        return;
    default:
        for (int i = 0; i < 100; ++i)
            storm.kill_worker();
    }
}

std::vector<std::string> play(const std::string& durability, unsigned seed,
                              steady_clock::time_point end, Summary& summary) {
    Stage stage({.messages = messages_a_round,
                 .durability = durability,
                 .receivers = 4,
                 .queue = "group: myq-send\ndrain: true"});
    if (stage.daemon.start().exit_code != 0) return {"the daemon does not start"};
    Storm storm(stage, seed);
    std::mt19937 random(seed);
    {
        Flood flood(stage, messages_a_round, seed, Flood::As::member_of_the_group);
        while (!flood.is_over() && steady_clock::now() < end)
            befall(storm, random);
    }
    std::vector<std::string> broken = stage.checker.conclude();
    if (!storm.complaint().empty()) broken.push_back(storm.complaint());
    ++summary.rounds;
    summary.sent += stage.checker.count_accepted();
    summary.handled += stage.checker.handled();
    summary.worker_kills += storm.worker_kills();
    summary.daemon_kills += storm.daemon_kills();
    summary.stops += storm.stops();
    summary.repeated += stage.checker.repeated();
    summary.allowed += stage.checker.allowed_repeats();
    summary.broken += broken.size();
    return broken;
}

int soak(std::chrono::minutes time) {
    const auto end = steady_clock::now() + time;
    Summary sum;
    for (unsigned round = 0; round == 0 || steady_clock::now() < end; ++round) {
        const std::string durability = round % 2 == 0 ? "memory" : "journal";
        const unsigned its_seed = seed() + round;
        const std::uint64_t sent_before = sum.sent;
        const auto broken =
            play(durability, its_seed, std::min(end, steady_clock::now() + longest_round), sum);
        fmt::print("round {} ({}, SEED={}): {} messages, {}\n", round + 1, durability, its_seed,
                   sum.sent - sent_before, broken.empty() ? "every promise kept" : "BROKEN");
        for (const std::string& promise : broken)
            fmt::print("    {}\n", promise);
        std::fflush(stdout);
    }
    fmt::print(
        "{} rounds: {} messages accepted, {} handled or dead; {} workers and {} daemons killed, {} "
        "stopped in order; {} handled more than once (the kills allow {}); {} promises "
        "broken\n",
        sum.rounds, sum.sent, sum.handled, sum.worker_kills, sum.daemon_kills, sum.stops,
        sum.repeated, sum.allowed, sum.broken);
    return sum.broken == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string given = argc > 1 ? argv[1] : "10";
    long minutes = 0;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), minutes);
    if (argc > 2 || error != std::errc{} || end != given.data() + given.size() || minutes < 1) {
        fmt::print(stderr, "usage: soak [MINUTES]\n");
        return 64;
    }
    try {
        return soak(std::chrono::minutes{minutes});
    } catch (const std::exception& e) {
        fmt::print(stderr, "soak: {}\n", e.what());
        return 70;
    }
}
