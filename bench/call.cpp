#include "bench/call.hpp"

#include "bench/bare_receiver.hpp"
#include "bench/bench_daemon.hpp"
#include "bench/load.hpp"
#include "bench/progress.hpp"
#include "ipc/reply.hpp"
#include "ipc/reply_queue.hpp"

#include <fmt/format.h>

#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace myq::bench {

namespace {

constexpr int most_rounds = 50;
constexpr int quick_rounds = 12;
// In each of them, so often, each time so many.
constexpr int turns = 3;
constexpr int calls = 3'000;
constexpr int commands = 60;
constexpr std::size_t body_size = 64;
constexpr const char* command = "/bin/true";

using Clock = std::chrono::steady_clock;

double microseconds_each(int count, Clock::time_point begun) {
    return std::chrono::duration<double, std::micro>(Clock::now() - begun).count() / count;
}

// As a program would that calls again and again: one queue for replies, each message in an envelope
// of its own.
class Caller {
public:
    explicit Caller(const MessageQueue& queue)
        : queue_(queue),
          replies_(queue.stat_any().uid),
          body_(marked_body({}, body_size)) {
        envelope_.id = MessageId::random();
        envelope_.body = body_;
        envelope_.reply = ReplyAddress{replies_.id(), replies_.token(), 0};
    }

    void call(std::int64_t type) {
        const std::uint64_t sequence = ++envelope_.reply->sequence;
        std::memcpy(envelope_.id.bytes.data(), &sequence, sizeof sequence);
        if (queue_.send(type, encode_envelope(envelope_)) != SendStatus::sent) {
            throw_call_failed("msgsnd");
        }
        const std::optional<Message> message = replies_.receive(Wait::yes);
        if (!message) throw_call_failed("msgrcv");
        const auto reply = decode_reply(message->body);
        if (!reply || reply->sequence != sequence || reply->status != Reply::Status::done) {
            throw std::runtime_error("what came was no reply to the call");
        }
        if (reply->part.size() != (type == sink_type ? body_size : 0)) {
            throw std::runtime_error("the reply is not what was sent");
        }
    }

    double call_again_and_again() {
        const Patience patience;
        const Clock::time_point begun = Clock::now();
        for (int i = 0; i < calls; ++i)
            call(sink_type);
        return microseconds_each(calls, begun);
    }

    // The last one says that all are done; there is one worker.
    double have_commands_run() {
        const Patience patience;
        const Clock::time_point begun = Clock::now();
        for (int i = 1; i < commands; ++i) {
            if (queue_.send(command_type, body_) != SendStatus::sent) throw_call_failed("msgsnd");
        }
        call(command_type);
        return microseconds_each(commands, begun);
    }

private:
    static constexpr std::int64_t sink_type = 1;
    static constexpr std::int64_t command_type = BenchDaemon::command_type;

    const MessageQueue& queue_;
    ReplyQueue replies_;
    std::vector<std::byte> body_;
    Envelope envelope_;
};

double run_commands_bare() {
    const Clock::time_point begun = Clock::now();
    std::string word = command;
    char* words[] = {word.data(), nullptr};
    for (int i = 0; i < commands; ++i) {
        pid_t pid = -1;
        const int error = ::posix_spawn(&pid, command, nullptr, nullptr, words, environ);
        if (error != 0) throw std::system_error(error, std::generic_category(), "posix_spawn");
        ::waitpid(pid, nullptr, 0);
    }
    return microseconds_each(commands, begun);
}

struct Rows {
    Contest call{.scenario = "call and reply, 64 bytes",
                 .unit = "us",
                 .against = "bare msgsnd and msgrcv",
                 .target = 1.3};
    Contest exec{.scenario = "exec /bin/true",
                 .unit = "us",
                 .against = "bare posix_spawn and wait",
                 .target = 1.5};
};

void play_round(BenchDaemon& daemon, const OwnQueue& asked, const OwnQueue& answers, Rows& rows) {
    // Anew each time: see the way to a handler.
    daemon.stop();
    daemon.start();
    const BareReceiver bare(asked.id(), largest_body());
    const Lane lane{asked.id(), answers.id()};
    Caller caller(daemon.queue());
    caller.call_again_and_again();
    for (int turn = 0; turn < turns; ++turn) {
        rows.call.baseline.add(1e6 / round_trips_per_second(lane, body_size, calls));
        rows.call.daemon.add(caller.call_again_and_again());
        rows.exec.baseline.add(run_commands_bare());
        rows.exec.daemon.add(caller.have_commands_run());
    }
}

}  // namespace

void measure_call(const Options& options, Report& report) {
    const OwnDirectory state;
    ::setenv("XDG_STATE_HOME", state.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    BenchDaemon daemon({.program = options.daemon, .command = command});
    const OwnQueue asked(0600);
    const OwnQueue answers(0600);
    Rows rows;
    const int rounds = options.rounds_or(quick_rounds, most_rounds);
    for (int round = 1; round <= rounds; ++round) {
        show_progress(fmt::format("call: round {} of {}", round, rounds));
        daemon.explain([&] { play_round(daemon, asked, answers, rows); });
    }
    report.contests.push_back(rows.call);
    report.contests.push_back(rows.exec);
}

}  // namespace myq::bench
