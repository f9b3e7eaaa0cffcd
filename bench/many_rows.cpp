#include "bench/many_rows.hpp"

#include "bench/bench_daemon.hpp"
#include "bench/fill_journal.hpp"
#include "bench/load.hpp"
#include "bench/progress.hpp"
#include "ipc/envelope.hpp"

#include <fmt/format.h>

#include <chrono>
#include <vector>

namespace myq::bench {

namespace {

constexpr int most_rounds = 20;
constexpr int quick_rounds = 5;
// Messages in each round.
constexpr int messages = 20;
constexpr std::int64_t delay_ms = 10;

struct Scenario {
    const char* name;
    double target;
};
constexpr Scenario scenarios[] = {
    {"start to ready", 2},
    {"myq dead list", 5},  // says how many there are behind the 50 shown, up to 10000
    {"due at once", 2},
    {"due in 10 ms: how late", 2},
};

double milliseconds(std::int64_t ns) {
    return static_cast<double>(ns) / 1e6;
}

// From the sender through the journal to a handler.
double due_at_once(const BenchDaemon& daemon, const OwnQueue& answers) {
    const auto body = marked_body({Wanted::an_answer, answers.id()}, sizeof(Mark));
    const std::int64_t sent_ns = monotonic_ns();
    if (daemon.queue().send(1, body) != SendStatus::sent) throw_call_failed("msgsnd");
    return milliseconds(await_answer(answers.id()) - sent_ns);
}

// The same, but for the delay that its sender wants.
double due_later(const BenchDaemon& daemon, const OwnQueue& answers) {
    const auto body = marked_body({Wanted::an_answer, answers.id()}, sizeof(Mark));
    Envelope envelope;
    envelope.body = body;
    envelope.delay_ms = delay_ms;
    const auto message = encode_envelope(envelope);
    const std::int64_t sent_ns = monotonic_ns();
    if (daemon.queue().send(1, message) != SendStatus::sent) throw_call_failed("msgsnd");
    return milliseconds(await_answer(answers.id()) - sent_ns) - delay_ms;
}

// One journal and its daemon, or the other's.
class Side {
public:
    Side(const Options& options, const std::filesystem::path& journal_dir)
        : daemon_({.program = options.daemon, .journal_dir = journal_dir}),
          answers_(0622) {}

    // What each of the contests gets in one round.
    std::vector<double> play() {
        return daemon_.explain([&] {
            daemon_.stop();
            const double start = daemon_.start().count();
            const double dead_list = daemon_.ask({"dead", "list"}).count();
            const Patience patience;
            Samples now;
            Samples later;
            for (int i = 0; i < messages; ++i) {
                now.add(due_at_once(daemon_, answers_));
                later.add(due_later(daemon_, answers_));
            }
            return std::vector<double>{start, dead_list, now.median(), later.median()};
        });
    }

private:
    BenchDaemon daemon_;
    OwnQueue answers_;
};

}  // namespace

void measure_many_rows(const Options& options, Report& report) {
    const std::int64_t dead = options.rows / 2;
    std::vector<Contest> contests;
    for (const Scenario& scenario : scenarios) {
        contests.push_back({.scenario = fmt::format("large journal: {}", scenario.name),
                            .unit = "ms",
                            .against = "an empty journal",
                            .target = scenario.target});
    }
    contests.front().remark = fmt::format("{} delayed, {} dead", options.rows, dead);

    const OwnDirectory disk(options.journal_dir);
    fill_journal(disk.path() / "full", options.rows, dead);
    Side empty(options, disk.path() / "empty");
    Side full(options, disk.path() / "full");
    const int rounds = options.rounds_or(quick_rounds, most_rounds);
    for (int round = 1; round <= rounds; ++round) {
        show_progress(fmt::format("many rows: round {} of {}", round, rounds));
        const std::vector<double> baseline = empty.play();
        const std::vector<double> daemon = full.play();
        for (std::size_t i = 0; i < contests.size(); ++i) {
            contests[i].baseline.add(baseline.at(i));
            contests[i].daemon.add(daemon.at(i));
        }
    }
    report.contests.insert(report.contests.end(), contests.begin(), contests.end());
}

}  // namespace myq::bench
