// Sixteen processes on one variable under one semaphore, half of them PHP, and holders are killed.
#include "ipc/shared_variables.hpp"
#include "tests/conformance/sysv_peer.hpp"
#include "tests/support/run.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>

TEST_SUITE("sysv_hammer") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797103");
constexpr std::size_t of_each = 8;
constexpr std::size_t segment_size = 20'000;
constexpr int kills_of_each = 20;
constexpr std::uint64_t rounds_at_least = 200;

// What a hand counts; in memory that outlives it.
struct Tally {
    std::atomic<std::uint64_t> rounds, missing, torn;
};

// A value is one letter many times, and how many is written in front: half of it, or two of them,
// is no value. The same in both languages.
std::string make_value(std::uint64_t turn, char letter) {
    const std::size_t length = turn * 37 % 4000 + 1;
    return "s:" + std::to_string(length) + ":\"" + std::string(length, letter) + "\";";
}

bool is_whole(std::span<const std::byte> value) {
    const std::string text(reinterpret_cast<const char*>(value.data()), value.size());
    std::size_t length = 0;
    if (std::sscanf(text.c_str(), "s:%zu:\"", &length) != 1) return false;
    const std::string front = "s:" + std::to_string(length) + ":\"";
    if (text.size() != front.size() + length + 2 || !text.ends_with("\";")) return false;
    const std::string letters = text.substr(front.size(), length);
    return text.starts_with(front) &&
           std::ranges::all_of(letters, [&](char c) { return c == letters.front(); });
}

// Until the semaphore is removed.
int hammer(char letter, Tally& tally) {
    try {
        Semaphore lock = Semaphore::open_or_create(key, 0600);
        SharedVariables variables = SharedVariables::open_or_create(key, segment_size, 0600, &lock);
        for (std::uint64_t turn = 0;; ++turn) {
            const SemaphoreGuard guard(lock);
            if (const auto value = variables.value(1)) {
                if (!is_whole(*value)) ++tally.torn;
            } else {
                ++tally.missing;
            }
            const std::string next = make_value(turn, letter);
            if (variables.put(1, std::as_bytes(std::span(next))) != PutStatus::stored) return 1;
            ++tally.rounds;
        }
    } catch (const IpcError& e) {
        return e.error() == EIDRM ? 0 : 2;
    } catch (const BadSegment& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 3;
    }
}

// Answers [rounds, missing, torn] when the semaphore is removed.
constexpr std::string_view php_hammer = R"((function () {
    $lock = sem_get(0x6d797103, 1, 0600);
    $memory = shm_attach(0x6d797103, 20000, 0600);
    for ($rounds = $missing = $torn = 0; @sem_acquire($lock); ++$rounds) {
        if (shm_has_var($memory, 1)) {
            $value = shm_get_var($memory, 1);
            $torn += is_string($value) && $value !== ''
                && $value === str_repeat($value[0], strlen($value)) ? 0 : 1;
        } else {
            ++$missing;
        }
        $length = $rounds * 41 % 4000 + 1;
        $torn += shm_put_var($memory, 1, str_repeat('P', $length)) ? 0 : 1;
        sem_release($lock);
    }
    return [$rounds, $missing, $torn];
})())";

// All sixteen, and their replacements.
class Hands {
public:
    Hands() {
        for (std::size_t i = 0; i < of_each; ++i) {
            ours_[i] = start_ours(i);
            start_php(i);
        }
    }

    // Kills the one that has, or just had, the semaphore, if that is one of ours, or of PHP.
    bool kill_holder(const SemaphoreSet& set, bool of_php) {
        const pid_t holder = set.values().last_pid;
        for (std::size_t i = 0; i < of_each; ++i) {
            if (of_php && peers_[i]->pid() == holder) {
                start_php(i);
                return true;
            }
            if (!of_php && ours_[i] == holder) {
                kill(holder, SIGKILL);
                CHECK(wait_for(holder) == -SIGKILL);
                ours_[i] = start_ours(i);
                return true;
            }
        }
        return false;
    }

    bool all_got_turns() const {
        return std::ranges::all_of(
            tallies_, [](const Tally& tally) { return tally.rounds >= rounds_at_least; });
    }

    // After the semaphore was removed: what all of them counted.
    void finish(std::uint64_t& missing, std::uint64_t& torn) {
        std::uint64_t php_rounds = 0;
        for (std::size_t i = 0; i < of_each; ++i) {
            CHECK(wait_for(ours_[i]) == 0);
            missing += tallies_[i].missing;
            torn += tallies_[i].torn;
            unsigned long long rounds = 0;
            unsigned long long php_missing = 0;
            unsigned long long php_torn = 0;
            const std::string answer = peers_[i]->answer();
            CAPTURE(answer);
            REQUIRE(std::sscanf(answer.c_str(), "[%llu,%llu,%llu]", &rounds, &php_missing,
                                &php_torn) == 3);
            php_rounds += rounds;
            missing += php_missing;
            torn += php_torn;
        }
        CHECK(php_rounds >= rounds_at_least);
    }

private:
    pid_t start_ours(std::size_t i) {
        return fork_child([this, i] { return hammer(static_cast<char>('a' + i), tallies_[i]); });
    }

    // In place of the one that was there, which is killed.
    void start_php(std::size_t i) {
        peers_[i].emplace(php);
        peers_[i]->begin(php_hammer);
    }

    SharedMemory memory_ =
        SharedMemory::create(QueueKey::private_queue(), sizeof(Tally) * of_each, 0600);
    AttachedMemory attached_ = memory_.attach(Access::read_write);
    // All bytes 0, as the kernel made them, is an atomic 0.
    std::span<Tally> tallies_{reinterpret_cast<Tally*>(attached_.writable_bytes().data()), of_each};
    std::array<pid_t, of_each> ours_{};
    std::array<std::optional<Peer>, of_each> peers_;
};

}  // namespace

TEST_CASE("Sixteen processes, half of them PHP, hammer one variable while holders are killed") {
    Semaphore lock = Semaphore::create(key, 0600);
    const SharedVariables variables = SharedVariables::create(key, segment_size, 0600, &lock);
    Hands hands;
    for (const bool of_php : {false, true}) {
        for (int kills = 0; kills < kills_of_each; ++kills) {
            REQUIRE(eventually([&] { return hands.kill_holder(lock.set(), of_php); }));
        }
    }
    CHECK(eventually([&] { return hands.all_got_turns(); }));
    // Who comes after the semaphore is removed would make another.
    REQUIRE(eventually([&] { return lock.set().values().users == 2 * of_each + 1; }));

    // Nobody holds it for ever, and what is there is whole.
    auto guard = SemaphoreGuard::acquire_for(lock, std::chrono::seconds{30});
    REQUIRE(guard);
    bool is_missing = true;
    variables.each([&](std::int64_t, std::span<const std::byte> value) {
        is_missing = false;
        CHECK(is_whole(value));
    });
    lock.set().remove();

    // A killed holder may have taken the old value out, once each; and there was none to begin
    // with.
    std::uint64_t missing = is_missing ? 1 : 0;
    std::uint64_t torn = 0;
    hands.finish(missing, torn);
    CHECK(torn == 0);
    CHECK(missing <= 2 * kills_of_each + 1);
}

}  // TEST_SUITE("sysv_hammer")
