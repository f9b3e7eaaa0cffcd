#include "bench/hot_path.hpp"

#include "bench/bare_receiver.hpp"
#include "bench/bench_daemon.hpp"
#include "bench/cpu_time.hpp"
#include "bench/facts.hpp"
#include "bench/load.hpp"
#include "bench/progress.hpp"

#include <fmt/format.h>

#include <stdlib.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace myq::bench {

namespace {

constexpr int most_rounds = 50;
constexpr int quick_rounds = 12;
// In each of them, every scenario is measured so often,
constexpr int turns = 3;
// each time for about so long.
constexpr double turn_seconds = 0.2;

using Measure = double (*)(const Lane& lane, std::size_t body_size, int count);

struct Scenario {
    const char* name;
    Measure measure;
    std::size_t body_size;
    double target;
};

constexpr Scenario scenarios[] = {
    {"throughput, 64 bytes", messages_per_second, 64, 0.9},
    {"throughput, 4 KiB", messages_per_second, 4096, 0.9},
    {"round trips, 64 bytes", round_trips_per_second, 64, 0},
    {"round trips, 4 KiB", round_trips_per_second, 4096, 0},
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
    Match(const Scenario& scenario, const std::string& against)
        : scenario_(scenario),
          speed_{.scenario = scenario.name,
                 .unit = "a second",
                 .against = against,
                 .target = scenario.target},
          thrift_{.scenario = fmt::format("{}, by processor time", scenario.name),
                  .unit = "a second of the receiver's processor time",
                  .against = against} {}

    void play(const Receiver& baseline, const Receiver& daemon) {
        // Not counted: warms both up, and finds at first how many make a turn.
        constexpr int warm_up = 500;
        const double slowest = std::min(run(baseline, warm_up), run(daemon, warm_up));
        if (count_ == 0) count_ = std::max(warm_up, static_cast<int>(slowest * turn_seconds));
        for (int turn = 0; turn < turns; ++turn) {
            measure(baseline, speed_.baseline, thrift_.baseline);
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

// What the daemon is measured against: started anew for every round, as the daemon is. Which
// processor a receiver happens to get, beside its sender or not, it keeps for long, and a round
// trip takes a third or three times as long for it.
class Baseline {
public:
    Baseline(const Options& options, std::uint64_t capacity) : bare_queue_(0600, capacity) {
        if (!options.against.empty()) other_.emplace(BenchDaemon::Setup{options.against});
    }

    Receiver fresh(const OwnQueue& answers) {
        if (other_) {
            other_->stop();
            other_->start();
            return {{other_->queue().id(), answers.id()}, other_->worker()};
        }
        bare_.emplace(bare_queue_.id(), largest_body());
        return {{bare_queue_.id(), answers.id()}, bare_->pid()};
    }

private:
    OwnQueue bare_queue_;
    std::optional<BareReceiver> bare_;
    std::optional<BenchDaemon> other_;
};

void run(const Options& options, BenchDaemon& daemon, Report& report) {
    const std::uint64_t capacity = daemon.queue().stat_any().capacity;
    report.machine.capacity = capacity;
    Baseline baseline(options, capacity);
    // Others may write: the handler that answers is another user's process when root runs this.
    const OwnQueue answers(0622);
    const std::string against = options.against.empty() ? "bare msgsnd and msgrcv" : "another myqd";
    std::vector<Match> matches;
    for (const Scenario& scenario : scenarios)
        matches.emplace_back(scenario, against);
    Samples stops;
    Samples starts;
    const int rounds = options.rounds_or(quick_rounds, most_rounds);
    for (int round = 1; round <= rounds; ++round) {
        show_progress(fmt::format("receive to handler: round {} of {}", round, rounds));
        stops.add(daemon.stop().count());
        starts.add(daemon.start().count());
        const Receiver worker{{daemon.queue().id(), answers.id()}, daemon.worker()};
        const Receiver other = baseline.fresh(answers);
        for (Match& match : matches)
            match.play(other, worker);
    }
    for (const Match& match : matches) {
        report.contests.push_back(match.speed());
        report.contests.push_back(match.thrift());
    }
    const Lane lane{daemon.queue().id(), answers.id()};
    for (const Fact& fact :
         {memory(daemon), idle_cpu(daemon, std::chrono::seconds{options.quick ? 5 : 20}),
          system_calls(daemon, lane, 10'000), duration("start to ready", starts),
          duration("stop when idle", stops)}) {
        report.facts.push_back(fact);
    }
}

}  // namespace

void measure_hot_path(const Options& options, Report& report) {
    // Nothing comes to a journal here, but the daemon makes one: not where its user has theirs.
    const OwnDirectory state;
    ::setenv("XDG_STATE_HOME", state.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    BenchDaemon daemon({.program = options.daemon});
    daemon.explain([&] { run(options, daemon, report); });
}

}  // namespace myq::bench
