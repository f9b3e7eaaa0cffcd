#include "bench/blob.hpp"

#include "bench/bench_daemon.hpp"
#include "bench/load.hpp"
#include "bench/progress.hpp"
#include "bench/redis.hpp"
#include "ipc/blob.hpp"

#include <fmt/format.h>

#include <stdlib.h>

#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace myq::bench {

namespace {

constexpr int most_rounds = 30;
constexpr int quick_rounds = 5;
constexpr std::size_t mebibyte = std::size_t{1} << 20U;
// Bodies are taken in turn from so much memory: what a sender just made, or a receiver just got, is
// in no cache as a whole.
constexpr std::size_t bytes_in_turn = 128 * mebibyte;
// Copied in each round by each of them; the first body warms memory up and is not counted.
constexpr std::size_t bytes_a_round = 256 * mebibyte;

double megabytes_a_second(std::size_t bytes, std::int64_t ns) {
    return static_cast<double>(bytes) * 1e3 / static_cast<double>(ns);
}

// The bodies of one size, on three ways.
class Match {
public:
    Match(const char* name, std::size_t size, const Lane& lane)
        : size_(size),
          times_(bytes_a_round / size),
          lane_(lane),
          bodies_(bytes_in_turn / size, marked_body({Wanted::an_answer, lane.answers}, size)),
          copies_(bytes_in_turn / size, std::vector<std::byte>(size)),
          beside_memcpy_{.scenario = fmt::format("blob, {}", name),
                         .unit = "MB a second",
                         .against = "memcpy",
                         .target = 0.25},
          beside_redis_{.scenario = fmt::format("blob, {}", name),
                        .unit = "MB a second",
                        .against = "redis LPUSH and BRPOP",
                        .target = 3} {
        beside_redis_.scenario += ", beside redis";
    }

    void play(const BenchDaemon& daemon, const Redis* redis) {
        const double copied = run([&](std::size_t turn) {
            std::memcpy(copies_[turn].data(), bodies_[turn].data(), size_);
            // What nobody looks at need not be copied.
            asm volatile("" : : "r"(copies_[turn].data()) : "memory");
            return monotonic_ns();
        });
        const uid_t owner = daemon.queue().stat_any().uid;
        const key_t key = daemon.queue().stat_any().key;
        const double handed = run(
            [&](std::size_t turn) { return send_blob(daemon.queue(), owner, key, bodies_[turn]); });
        beside_memcpy_.baseline.add(copied);
        beside_memcpy_.daemon.add(handed);
        beside_redis_.daemon.add(handed);
        if (redis == nullptr) {
            beside_redis_.remark = "skipped: no redis-server";
            return;
        }
        const RedisConsumer consumer(*redis, size_);
        const RedisConnection connection(*redis);
        beside_redis_.baseline.add(run([&](std::size_t turn) {
            connection.push(bodies_[turn]);
            return await_answer(lane_.answers);
        }));
    }

    const Contest& beside_memcpy() const { return beside_memcpy_; }
    const Contest& beside_redis() const { return beside_redis_; }

private:
    // `pass` returns when the body was at the other end.
    template <typename Pass>
    double run(const Pass& pass) const {
        const Patience patience;
        pass(0);
        std::int64_t taken = 0;
        for (std::size_t i = 1; i <= times_; ++i) {
            const std::int64_t begin = monotonic_ns();
            taken += pass(i % bodies_.size()) - begin;
        }
        return megabytes_a_second(size_ * times_, taken);
    }

    std::int64_t send_blob(const MessageQueue& queue, uid_t owner, key_t key,
                           std::span<const std::byte> body) const {
        OutgoingBlob blob(owner, key, body);
        Envelope envelope;
        envelope.kind = EnvelopeKind::blob;
        envelope.blob = blob.reference();
        if (queue.send(1, encode_envelope(envelope)) != SendStatus::sent) {
            throw_call_failed("msgsnd");
        }
        blob.sent();
        return await_answer(lane_.answers);
    }

    std::size_t size_, times_;
    Lane lane_;
    std::vector<std::vector<std::byte>> bodies_, copies_;
    Contest beside_memcpy_, beside_redis_;
};

void run(const Options& options, const BenchDaemon& daemon, Report& report) {
    // Others may write: the handler that answers is another user's process when root runs this.
    const OwnQueue answers(0622);
    const Lane lane{daemon.queue().id(), answers.id()};
    std::vector<Match> matches;
    matches.emplace_back("1 MiB", mebibyte, lane);
    matches.emplace_back("64 MiB", 64 * mebibyte, lane);
    std::optional<Redis> redis;
    if (Redis::is_installed()) redis.emplace();
    const int rounds = options.rounds_or(quick_rounds, most_rounds);
    for (int round = 1; round <= rounds; ++round) {
        show_progress(fmt::format("large bodies: round {} of {}", round, rounds));
        for (Match& match : matches)
            match.play(daemon, redis ? &*redis : nullptr);
    }
    for (const Match& match : matches)
        report.contests.push_back(match.beside_memcpy());
    for (const Match& match : matches)
        report.contests.push_back(match.beside_redis());
}

}  // namespace

void measure_blobs(const Options& options, Report& report) {
    // Nothing comes to a journal here, but the daemon makes one: not where its user has theirs.
    const OwnDirectory state;
    ::setenv("XDG_STATE_HOME", state.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    const BenchDaemon daemon({.program = options.daemon});
    daemon.explain([&] { run(options, daemon, report); });
}

}  // namespace myq::bench
