#include "bench/confirmed.hpp"

#include "bench/beanstalkd.hpp"
#include "bench/bench_daemon.hpp"
#include "bench/crowd.hpp"
#include "bench/load.hpp"
#include "bench/progress.hpp"
#include "ipc/envelope.hpp"
#include "ipc/reply_queue.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace myq::bench {

namespace {

constexpr int most_rounds = 10;
constexpr int quick_rounds = 5;
constexpr std::chrono::duration<double> turn{1.0};
constexpr int crowds[] = {4, 8};
// Messages that each sender has under way.
constexpr int window = 64;
constexpr std::size_t body_size = 64;

// Both count from the first message: `confirmed` until the time is over, `handled` until the last
// one has been handled.
struct Speed {
    double confirmed = 0, handled = 0;
};

Speed speed_of(const Sent& sent, Clock::time_point begun) {
    const std::chrono::duration<double> until_handled = Clock::now() - begun;
    return {static_cast<double>(sent.in_time) / turn.count(),
            static_cast<double>(sent.in_all) / until_handled.count()};
}

// A sender to myqd: each message in an envelope, its confirmation on a queue of the sender's.
class ConfirmedSender {
public:
    explicit ConfirmedSender(const MessageQueue& queue)
        : queue_(queue),
          replies_(queue.stat_any().uid),
          body_(marked_body({}, body_size)) {
        envelope_.id = MessageId::random();
        envelope_.body = body_;
        envelope_.confirm = ConfirmAddress{replies_.id(), replies_.token(), 0};
    }

    Sent live(const Crowd::StartingLine& start) {
        const Clock::time_point end = start();
        Sent sent;
        while (Clock::now() < end) {
            while (in_flight_ < window)
                send();
            sent.in_all += take();
            if (Clock::now() < end) sent.in_time = sent.in_all;
        }
        while (in_flight_ > 0)
            sent.in_all += take();
        return sent;
    }

private:
    void send() {
        // As unlike the others as it must be, without a system call for each.
        ++envelope_.confirm->sequence;
        std::memcpy(envelope_.id.bytes.data(), &envelope_.confirm->sequence,
                    sizeof envelope_.confirm->sequence);
        if (queue_.send(1, encode_envelope(envelope_)) != SendStatus::sent) {
            throw std::runtime_error("a message could not be sent");
        }
        ++in_flight_;
    }

    std::uint64_t take() {
        const std::optional<Message> message = replies_.receive(Wait::yes);
        const auto runs = message ? decode_confirm(message->body) : std::nullopt;
        if (!runs) throw std::runtime_error("what came was no confirmation");
        std::uint64_t confirmed = 0;
        for (const ConfirmRun& run : *runs) {
            if (run.status != ConfirmStatus::accepted) {
                throw std::runtime_error("a message was not accepted");
            }
            confirmed += run.count;
        }
        in_flight_ -= static_cast<int>(confirmed);
        return confirmed;
    }

    const MessageQueue& queue_;
    ReplyQueue replies_;
    std::vector<std::byte> body_;
    Envelope envelope_;
    int in_flight_ = 0;
};

Speed measure_daemon(const BenchDaemon& daemon, const OwnQueue& answers, int senders) {
    Crowd crowd(senders, [&](const Crowd::StartingLine& start) {
        return ConfirmedSender(daemon.queue()).live(start);
    });
    const Clock::time_point begun = Clock::now();
    const Sent sent = crowd.run(turn);
    // The journal is worked on in the order of acceptance, by one worker: this is the last.
    const Patience patience;
    const auto body = marked_body({Wanted::an_answer, answers.id()}, body_size);
    if (daemon.queue().send(1, body) != SendStatus::sent) throw_call_failed("msgsnd");
    await_answer(answers.id());
    return speed_of(sent, begun);
}

Speed measure_beanstalkd(const Beanstalkd& server, int senders) {
    BeanstalkConsumer consumer(server);
    Crowd crowd(senders, [&](const Crowd::StartingLine& start) {
        return put_jobs(server, start, window, body_size);
    });
    const Clock::time_point begun = Clock::now();
    const Sent sent = crowd.run(turn);
    consumer.await_last();
    return speed_of(sent, begun);
}

struct Rows {
    Contest confirmed, handled;
};

Rows rows_for(int senders, const std::string& remark) {
    const std::string who = fmt::format("64 bytes, {} senders", senders);
    const std::string against = "beanstalkd -b -f0";
    Rows rows;
    rows.confirmed = {.scenario = "confirmed, " + who,
                      .unit = "a second",
                      .against = against,
                      .remark = remark,
                      .target = 20};
    rows.handled = {.scenario = "confirmed and handled, " + who,
                    .unit = "a second",
                    .against = against,
                    .remark = remark};
    return rows;
}

void play_round(const Options& options, const OwnQueue& answers, bool has_baseline,
                std::vector<Rows>& all) {
    // Anew each time: whatever a journal or a server gathers, it begins without.
    const OwnDirectory disk(options.journal_dir);
    BenchDaemon daemon({.program = options.daemon, .journal_dir = disk.path() / "journal"});
    std::optional<Beanstalkd> server;
    if (has_baseline) server.emplace(disk.path());
    std::size_t row = 0;
    for (const int senders : crowds) {
        Rows& rows = all.at(row++);
        const Speed ours = daemon.explain([&] { return measure_daemon(daemon, answers, senders); });
        rows.confirmed.daemon.add(ours.confirmed);
        rows.handled.daemon.add(ours.handled);
        if (!server) continue;
        const Speed theirs = measure_beanstalkd(*server, senders);
        rows.confirmed.baseline.add(theirs.confirmed);
        rows.handled.baseline.add(theirs.handled);
    }
}

}  // namespace

void measure_confirmed(const Options& options, Report& report) {
    const bool has_baseline = Beanstalkd::is_installed();
    const std::string remark =
        has_baseline ? "" : "script/install-dependencies bench installs beanstalkd";
    const OwnQueue answers(0622);
    std::vector<Rows> all;
    for (const int senders : crowds)
        all.push_back(rows_for(senders, remark));
    const int rounds = options.rounds_or(quick_rounds, most_rounds);
    for (int round = 1; round <= rounds; ++round) {
        show_progress(fmt::format("confirmed: round {} of {}", round, rounds));
        play_round(options, answers, has_baseline, all);
    }
    for (const Rows& rows : all)
        report.contests.push_back(rows.confirmed);
    for (const Rows& rows : all)
        report.contests.push_back(rows.handled);
}

}  // namespace myq::bench
