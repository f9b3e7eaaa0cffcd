#include "bench/recovery.hpp"

#include "bench/bench_daemon.hpp"
#include "bench/load.hpp"
#include "bench/progress.hpp"

#include <fmt/format.h>

#include <signal.h>
#include <stdlib.h>

#include <vector>

namespace myq::bench {

namespace {

constexpr int most_kills = 1000;
constexpr int quick_kills = 200;
constexpr double longest_ms = 5;

double kill_once(const BenchDaemon& daemon, const OwnQueue& answers,
                 const std::vector<std::byte>& body) {
    const Patience patience;
    if (daemon.queue().send(1, body) != SendStatus::sent) throw_call_failed("msgsnd");
    await_answer(answers.id());  // a handler has it, and keeps it
    const pid_t worker = daemon.worker();
    const std::int64_t killed_ns = monotonic_ns();
    if (::kill(worker, SIGKILL) != 0) throw_call_failed("kill");
    const std::int64_t handed_ns = await_answer(answers.id());
    return static_cast<double>(handed_ns - killed_ns) / 1e6;
}

}  // namespace

void measure_recovery(const Options& options, Report& report) {
    const OwnDirectory state;
    ::setenv("XDG_STATE_HOME", state.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    BenchDaemon daemon({.program = options.daemon});
    const OwnQueue answers(0622);
    const auto body = marked_body({Wanted::a_death, answers.id()}, sizeof(Mark));
    const int kills = options.quick ? quick_kills : most_kills;
    Samples waits;
    show_progress(fmt::format("recovery: {} kills", kills));
    for (int i = 0; i < kills; ++i)
        waits.add(daemon.explain([&] { return kill_once(daemon, answers, body); }));
    report.facts.push_back(
        {.scenario = "recovery after a kill",
         .unit = "ms",
         .value = waits.median(),
         .remark = fmt::format("p99 {:.2f}, {:.2f} to {:.2f} in {} kills", waits.percentile(99),
                               waits.min(), waits.max(), kills),
         .limit = longest_ms});
}

}  // namespace myq::bench
