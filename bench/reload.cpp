#include "bench/reload.hpp"

#include "bench/bench_daemon.hpp"
#include "bench/load.hpp"
#include "bench/progress.hpp"

#include <fmt/format.h>

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace myq::bench {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t body_size = 64;
constexpr milliseconds window{10};
constexpr milliseconds turn{2'000};
constexpr milliseconds between_changes{500};
constexpr int most_rounds = 10;
constexpr int quick_rounds = 2;
constexpr double longest_ms = 1'000;

// How many messages were sent in each window. The queue is full all the time, so that it goes as
// fast as they are handled.
using Pace = std::vector<int>;

class FullLoad {
public:
    explicit FullLoad(const BenchDaemon& daemon)
        : queue_(daemon.queue()),
          body_(marked_body({Wanted::nothing, 0}, body_size)) {}

    // For one turn; `change` is called now and then meanwhile.
    Pace run(const std::function<void()>& change) {
        const Patience patience;
        Pace pace(static_cast<std::size_t>(turn / window));
        const Clock::time_point begin = Clock::now();
        milliseconds next_change = between_changes / 2;
        for (;;) {
            const auto passed = Clock::now() - begin;
            if (passed >= turn) return pace;
            if (passed >= next_change) {
                change();
                next_change += between_changes;
            }
            if (queue_.send(1, body_) != SendStatus::sent) throw_call_failed("msgsnd");
            // A message that had to wait counts where it left.
            const auto at = static_cast<std::size_t>((Clock::now() - begin) / window);
            if (at < pace.size()) ++pace[at];
        }
    }

private:
    const MessageQueue& queue_;
    std::vector<std::byte> body_;
};

double median(Pace pace) {
    const auto middle = pace.begin() + static_cast<std::ptrdiff_t>(pace.size() / 2);
    std::nth_element(pace.begin(), middle, pace.end());
    return *middle;
}

// Milliseconds.
double longest_below(const Pace& pace, double limit) {
    std::ptrdiff_t longest = 0;
    std::ptrdiff_t running = 0;
    for (const int count : pace) {
        running = count < limit ? running + 1 : 0;
        longest = std::max(longest, running);
    }
    return static_cast<double>((longest * window).count());
}

// What one kind of change does to the load.
struct Disturbance {
    const char* scenario;
    const char* what;
    std::function<void()> change;
    Samples longest{}, share{};  // the longest time below half; of the throughput
};

void measure_against(const Pace& calm, const Pace& disturbed, Disturbance& of) {
    const double usual = median(calm);
    of.longest.add(longest_below(disturbed, usual / 2));
    of.share.add(median(disturbed) / usual);
}

Fact fact(const Disturbance& of, const Samples& calm) {
    return {.scenario = of.scenario,
            .unit = "ms",
            .value = of.longest.max(),
            .remark = fmt::format("below half the throughput, at most; without {:.0f}; throughput "
                                  "{:.2f} of that before, {} every {} ms",
                                  calm.max(), of.share.median(), of.what, between_changes.count()),
            .limit = longest_ms};
}

}  // namespace

void measure_reload(const Options& options, Report& report) {
    const OwnDirectory state;
    ::setenv("XDG_STATE_HOME", state.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    const BenchDaemon daemon({.program = options.daemon});
    FullLoad load(daemon);
    Disturbance kinds[] = {
        {"new code under load", "new code", [&] { daemon.replace_plugin(); }},
        {"reload under load", "a reload", [&] { ::kill(daemon.processes().front(), SIGHUP); }}};
    Samples calm;
    const int rounds = options.rounds_or(quick_rounds, most_rounds);
    for (int round = 1; round <= rounds; ++round) {
        show_progress(fmt::format("reload: round {} of {}", round, rounds));
        daemon.explain([&] {
            const Pace before = load.run([] {});
            calm.add(longest_below(before, median(before) / 2));
            for (Disturbance& kind : kinds)
                measure_against(before, load.run(kind.change), kind);
        });
    }
    for (const char* effect : {"plugin sink 1.0 is live", "reloaded: "}) {
        if (daemon.log().find(effect) == std::string::npos)
            throw std::runtime_error(fmt::format("the daemon never said '{}'", effect));
    }
    for (const Disturbance& kind : kinds)
        report.facts.push_back(fact(kind, calm));
}

}  // namespace myq::bench
