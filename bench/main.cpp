// myq-bench: the way from a sender to a handler beside the bare kernel queue, measured in turn in
// one run, since a number without its neighbour says more of the machine than of us.
#include "bench/bare_receiver.hpp"
#include "bench/bench_daemon.hpp"
#include "bench/cpu_time.hpp"
#include "bench/facts.hpp"
#include "bench/load.hpp"
#include "bench/report.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace myq;
using namespace myq::bench;

struct Options {
    std::filesystem::path daemon = MYQ_BENCH_DAEMON;
    bool quick = false;
    bool json = false;
    int rounds = 0;  // 0: as many as quick or not has
};

constexpr std::uint64_t wanted_capacity = 1U << 20U;  // as in the configuration that is shipped
constexpr int most_rounds = 50;
constexpr int quick_rounds = 12;
// In each of them, every scenario is measured so often,
constexpr int turns = 3;
// each time for about so long.
constexpr double turn_seconds = 0.2;

// One line on a terminal that watches, which the next one replaces.
void show_progress(const std::string& text) {
    if (::isatty(STDERR_FILENO) == 0) return;
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
}

using Measure = double (*)(const Lane& lane, std::size_t body_size, int count);

struct Scenario {
    const char* name;
    Measure measure;
    std::size_t body_size;
};

constexpr Scenario scenarios[] = {
    {"throughput, 64 bytes", messages_per_second, 64},
    {"throughput, 4 KiB", messages_per_second, 4096},
    {"round trips, 64 bytes", round_trips_per_second, 64},
    {"round trips, 4 KiB", round_trips_per_second, 4096},
};

struct Receiver {
    Lane lane;
    pid_t pid;
};

// One scenario's two contests: how many a second of the clock, and how many a second of the
// receiver's processor time, which says what the receiver itself costs, also where the sender or a
// busy machine sets the pace.
class Match {
public:
    explicit Match(const Scenario& scenario)
        : scenario_(scenario),
          speed_{scenario.name, "a second", {}, {}},
          thrift_{fmt::format("{}, by processor time", scenario.name),
                  "a second of the receiver's processor time",
                  {},
                  {}} {}

    void play(const Receiver& bare, const Receiver& daemon) {
        // Not counted: warms both up, and finds at first how many make a turn.
        constexpr int warm_up = 500;
        const double slowest = std::min(run(bare, warm_up), run(daemon, warm_up));
        if (count_ == 0) count_ = std::max(warm_up, static_cast<int>(slowest * turn_seconds));
        for (int turn = 0; turn < turns; ++turn) {
            measure(bare, speed_.bare, thrift_.bare);
            measure(daemon, speed_.daemon, thrift_.daemon);
        }
    }

    const Contest& speed() const { return speed_; }
    const Contest& thrift() const { return thrift_; }

private:
    double run(const Receiver& receiver, int count) const {
        return scenario_.measure(receiver.lane, scenario_.body_size, count);
    }

    void measure(const Receiver& receiver, Samples& a_second, Samples& a_cpu_second) const {
        const double before = cpu_seconds(receiver.pid);
        a_second.add(run(receiver, count_));
        a_cpu_second.add(count_ / (cpu_seconds(receiver.pid) - before));
    }

    Scenario scenario_;
    Contest speed_;
    Contest thrift_;
    int count_ = 0;
};

Report run(const Options& options, BenchDaemon& daemon) {
    const std::uint64_t capacity = daemon.queue().stat_any().capacity;
    Report report{this_machine(capacity), {}, {}};
    const int few_or_many = options.quick ? quick_rounds : most_rounds;
    const int rounds = options.rounds > 0 ? options.rounds : few_or_many;

    const OwnQueue bare_queue(0600, capacity);
    // Others may write: the handler that answers is another user's process when root runs this.
    const OwnQueue answers(0622);
    std::vector<Match> matches(std::begin(scenarios), std::end(scenarios));
    Samples stops;
    Samples starts;
    for (int round = 1; round <= rounds; ++round) {
        show_progress(fmt::format("round {} of {}", round, rounds));
        // Both receivers anew: which processor one happens to get, beside its sender or not, it
        // keeps for long, and a round trip takes a third or three times as long for it.
        stops.add(daemon.stop().count());
        starts.add(daemon.start().count());
        const BareReceiver receiver(bare_queue.id(), largest_body());
        const Receiver bare{{bare_queue.id(), answers.id()}, receiver.pid()};
        const Receiver worker{{daemon.queue().id(), answers.id()}, daemon.worker()};
        for (Match& match : matches)
            match.play(bare, worker);
    }
    show_progress("");
    for (const Match& match : matches) {
        report.contests.push_back(match.speed());
        report.contests.push_back(match.thrift());
    }
    const Lane lane{daemon.queue().id(), answers.id()};
    report.facts = {memory(daemon), idle_cpu(daemon, std::chrono::seconds{options.quick ? 5 : 20}),
                    system_calls(daemon, lane, 10'000), duration("start to ready", starts),
                    duration("stop when idle", stops)};
    return report;
}

int measure(const Options& options) {
    listen_to_signals();
    BenchDaemon daemon(options.daemon, wanted_capacity);
    try {
        const Report report = run(options, daemon);
        fmt::print("{}", options.json ? json_lines(report) : table(report));
        return EXIT_SUCCESS;
    } catch (const Stopped&) {
        show_progress("");
        throw;
    } catch (const std::exception& e) {
        show_progress("");
        throw std::runtime_error(fmt::format("{}; the daemon's log:\n{}", e.what(), daemon.log()));
    }
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Messages a second from a sender to a handler, beside the bare kernel queue.",
                 "myq-bench"};
    app.add_flag("--quick", options.quick, "Fewer rounds: a good minute instead of five");
    app.add_flag("--json", options.json, "One JSON object a line instead of a table");
    app.add_option("--rounds", options.rounds, "How often both are started and measured")
        ->check(CLI::Range(1, 100'000))
        ->type_name("N");
    app.add_option("--daemon", options.daemon, "Another myqd than the one built beside")
        ->check(CLI::ExistingFile)
        ->type_name("FILE");
    CLI11_PARSE(app, argc, argv);
    try {
        return measure(options);
    } catch (const std::exception& e) {
        fmt::print(stderr, "myq-bench: {}\n", e.what());
        return EXIT_FAILURE;
    }
}
