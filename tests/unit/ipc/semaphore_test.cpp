#include "ipc/semaphore.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <sys/sem.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <tuple>

TEST_SUITE("semaphore") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797199");

// Free permits, users, set-up lock: PHP's three.
using Three = std::tuple<int, int, int>;
Three three(const SemaphoreSet& set) {
    const SemaphoreValues values = set.values();
    return {values.free, values.users, values.setting_up};
}

// Removes the set at the end of the test. The first of its kind in a test, so the last to go.
struct Scratch {
    SemaphoreSet set = SemaphoreSet::create(key, 0600);
    Scratch() = default;
    ~Scratch() {
        try {
            set.remove();
        } catch (const IpcError&) {
            // The test removed it already.
        }
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
};

template <typename Action>
int errno_of(Action action) {
    try {
        action();
    } catch (const IpcError& e) {
        return e.error();
    }
    return 0;
}

bool acquired(Semaphore& semaphore) {
    return semaphore.acquire() == AcquireStatus::acquired;
}

void let_signals_interrupt() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, nullptr);
}

}  // namespace

TEST_CASE("A semaphore is PHP's set of three: permits, users, and the lock for setting it up") {
    const Scratch scratch;
    CHECK(three(scratch.set) == Three{0, 0, 0});
    {
        Semaphore first(scratch.set, {.max_acquire = 3});
        CHECK(three(scratch.set) == Three{3, 1, 0});
        const Semaphore second = Semaphore::open(key);
        CHECK(three(scratch.set) == Three{3, 2, 0});
        REQUIRE(acquired(first));
        CHECK(three(scratch.set) == Three{2, 2, 0});
    }
    CHECK(three(scratch.set) == Three{3, 0, 0});
}

TEST_CASE("The first user decides how many permits there are") {
    const Scratch scratch;
    {
        const Semaphore first(scratch.set, {.max_acquire = 5});
        const Semaphore second(scratch.set, {.max_acquire = 1});
        CHECK(three(scratch.set) == Three{5, 2, 0});
    }
    const Semaphore next_first(scratch.set, {.max_acquire = 2});
    CHECK(three(scratch.set) == Three{2, 1, 0});
}

TEST_CASE("A number of permits that the kernel cannot keep is refused before there is a set") {
    for (const int permits : {-1, 0, 32768}) {
        CHECK_THROWS_WITH_AS(Semaphore::create(key, 0600, {.max_acquire = permits}),
                             doctest::Contains("permits are not possible; use 1 to 32767"),
                             IpcError);
    }
    CHECK(!SemaphoreSet::exists(key));
    const Scratch scratch;
    const Semaphore most(scratch.set, {.max_acquire = 32767});
    CHECK(three(scratch.set) == Three{32767, 1, 0});
}

TEST_CASE("Acquiring takes a permit and releasing gives it back") {
    const Scratch scratch;
    Semaphore one(scratch.set);
    Semaphore other(scratch.set);
    CHECK(one.try_acquire());
    CHECK(one.held() == 1);
    CHECK(scratch.set.values().last_pid == getpid());
    // Not recursive, and two objects of one process block each other.
    CHECK(!one.try_acquire());
    CHECK(!other.try_acquire());
    one.release();
    CHECK(one.held() == 0);
    CHECK(other.try_acquire());
    CHECK(three(scratch.set) == Three{0, 2, 0});
}

TEST_CASE("Nobody releases what another object holds") {
    const Scratch scratch;
    Semaphore one(scratch.set);
    Semaphore other(scratch.set);
    REQUIRE(acquired(one));
    CHECK_THROWS_WITH_AS(other.release(), doctest::Contains("released without being held"),
                         std::logic_error);
    CHECK(three(scratch.set) == Three{0, 2, 0});
    one.release();
    CHECK_THROWS_AS(one.release(), std::logic_error);
    CHECK(three(scratch.set) == Three{1, 2, 0});
}

TEST_CASE("The end of an object gives back all that it holds, or keeps it until the process ends") {
    const Scratch scratch;
    const Semaphore observer(scratch.set, {.max_acquire = 3});
    {
        Semaphore semaphore(scratch.set);
        REQUIRE(acquired(semaphore));
        REQUIRE(acquired(semaphore));
        CHECK(semaphore.held() == 2);
    }
    CHECK(three(scratch.set) == Three{3, 1, 0});
    CHECK(in_child([&] {
              {
                  Semaphore semaphore(scratch.set, {.at_end = AtEnd::keep});
                  if (!acquired(semaphore)) return 1;
              }
              return three(scratch.set) == Three{2, 2, 0} ? 0 : 2;
          }) == 0);
    CHECK(three(scratch.set) == Three{3, 1, 0});
}

TEST_CASE("An object that was moved from owns nothing, and its successor everything") {
    const Scratch scratch;
    Semaphore one(scratch.set);
    REQUIRE(acquired(one));
    Semaphore two(std::move(one));
    CHECK(two.held() == 1);
    CHECK(three(scratch.set) == Three{0, 1, 0});
    two = Semaphore(scratch.set);  // what it had ends here
    CHECK(three(scratch.set) == Three{1, 1, 0});
    CHECK(two.held() == 0);
}

TEST_CASE("Waiting for a limited time ends after it") {
    const Scratch scratch;
    Semaphore holder(scratch.set);
    REQUIRE(acquired(holder));
    Semaphore waiter(scratch.set);
    const auto begun = std::chrono::steady_clock::now();
    CHECK(waiter.acquire_for(20ms) == AcquireStatus::timed_out);
    CHECK(std::chrono::steady_clock::now() - begun >= 20ms);
    CHECK(waiter.acquire_for(-1s) == AcquireStatus::timed_out);
    CHECK(waiter.acquire_for(0s) == AcquireStatus::timed_out);
    CHECK(!SemaphoreGuard::acquire_for(waiter, 1ms));
    holder.release();
    CHECK(waiter.acquire_for(std::chrono::nanoseconds::max()) == AcquireStatus::acquired);
}

TEST_CASE("A release wakes who waits, and so does the death of the holder") {
    const Scratch scratch;
    Semaphore holder(scratch.set);
    REQUIRE(acquired(holder));
    const pid_t waiter = fork_child([&] {
        Semaphore semaphore(scratch.set);
        if (!acquired(semaphore)) return 1;
        return rest();
    });
    REQUIRE(blocks_in(waiter, SYS_semtimedop));
    CHECK(scratch.set.values().waiting == 1);
    holder.release();
    REQUIRE(rests(waiter));
    CHECK(three(scratch.set) == Three{0, 2, 0});
    CHECK(scratch.set.values().last_pid == waiter);
    CHECK(!holder.try_acquire());

    kill(waiter, SIGKILL);
    CHECK(acquired(holder));
    CHECK(wait_for(waiter) == -SIGKILL);
    CHECK(three(scratch.set) == Three{0, 1, 0});
}

TEST_CASE("A signal ends a wait and acquires nothing, a guard waits on") {
    const Scratch scratch;
    Semaphore holder(scratch.set);
    REQUIRE(acquired(holder));
    const pid_t waiter = fork_child([&] {
        let_signals_interrupt();
        Semaphore semaphore(scratch.set);
        if (semaphore.acquire() != AcquireStatus::interrupted) return 1;
        if (semaphore.acquire_for(1h) != AcquireStatus::interrupted) return 2;
        if (semaphore.held() != 0) return 3;
        const SemaphoreGuard guard(semaphore);
        return semaphore.held() == 1 ? 0 : 4;
    });
    // Each wait is another one: the third, the guard's, must outlast the signals after it.
    for (int signals = 0; signals < 20; ++signals) {
        REQUIRE(blocks_in(waiter, SYS_semtimedop));
        kill(waiter, SIGUSR1);
    }
    REQUIRE(blocks_in(waiter, SYS_semtimedop));
    holder.release();
    CHECK(wait_for(waiter) == 0);
}

TEST_CASE("Removal wakes who waits, and the semaphore is gone for every call") {
    const Scratch scratch;
    Semaphore holder(scratch.set);
    REQUIRE(acquired(holder));
    const pid_t waiter = fork_child([&] {
        Semaphore semaphore(scratch.set);
        return errno_of([&] { static_cast<void>(semaphore.acquire()); }) == EIDRM ? 0 : 1;
    });
    REQUIRE(blocks_in(waiter, SYS_semtimedop));
    scratch.set.remove();
    CHECK(wait_for(waiter) == 0);
    CHECK_THROWS_WITH_AS(static_cast<void>(holder.try_acquire()),
                         "semop semaphore 0x6d797199: the semaphore was removed; open it again "
                         "once it was made anew",
                         IpcError);
    CHECK(errno_of([&] { holder.release(); }) == EIDRM);
    CHECK(errno_of([&] { scratch.set.remove(); }) == EIDRM);
    CHECK(errno_of([&] { scratch.set.values(); }) == EIDRM);
    CHECK(errno_of([&] { scratch.set.stat(); }) == EIDRM);
    CHECK(errno_of([&] { const Semaphore late(scratch.set); }) == EIDRM);
}

TEST_CASE("open_or_create makes a semaphore once and finds it again") {
    const Semaphore made = Semaphore::open_or_create(key, 0640, {.max_acquire = 2});
    const Semaphore found = Semaphore::open_or_create(key, 0666);
    CHECK(made.set().id() == found.set().id());
    CHECK(made.set().stat().mode == 0640);
    CHECK(three(made.set()) == Three{2, 2, 0});
    CHECK(errno_of([] { Semaphore::create(key, 0600); }) == EEXIST);
    made.set().remove();
}

TEST_CASE("open_or_create survives a semaphore that comes and goes") {
    constexpr int rounds = 2000;
    const auto flicker = [] {
        for (int i = 0; i < rounds; ++i) {
            try {
                Semaphore semaphore = Semaphore::open_or_create(key, 0600);
                const SemaphoreGuard guard(semaphore);
                semaphore.set().remove();
            } catch (const IpcError& e) {
                if (e.error() != EIDRM) return 1;  // the other one removed it first
            }
        }
        return 0;
    };
    const pid_t other = fork_child(flicker);
    CHECK(flicker() == 0);
    CHECK(wait_for(other) == 0);
    CHECK(SemaphoreSet::list().empty());
}

TEST_CASE("Who was killed while setting a semaphore up leaves it free for the next") {
    const Scratch scratch;
    const pid_t killed = fork_child([&] {
        std::array<sembuf, 2> enter{{{2, 1, SEM_UNDO}, {1, 1, SEM_UNDO}}};
        semop(scratch.set.id(), enter.data(), enter.size());
        return rest();
    });
    REQUIRE(rests(killed));
    CHECK(three(scratch.set) == Three{0, 1, 1});
    kill(killed, SIGKILL);
    const Semaphore next(scratch.set);
    wait_for(killed);
    CHECK(three(scratch.set) == Three{1, 1, 0});
}

TEST_CASE("A lock for setting up that was left behind is said to be there, with its maker") {
    const Scratch scratch;
    const pid_t maker = fork_child([&] {
        sembuf up{2, 1, 0};  // no SEM_UNDO: PHP would wait for ever
        return semop(scratch.set.id(), &up, 1) == 0 ? 0 : 1;
    });
    REQUIRE(wait_for(maker) == 0);
    CHECK_THROWS_WITH_AS(
        Semaphore(scratch.set, {.set_up_wait = 5ms}),
        doctest::Contains(("process " + std::to_string(maker) +
                           " has been setting it up for 5 ms; if there is no such "
                           "process, the set is damaged: remove it with ipcrm -s " +
                           std::to_string(scratch.set.id()))
                              .c_str()),
        IpcError);
    CHECK(three(scratch.set) == Three{0, 0, 1});
}

}  // TEST_SUITE("semaphore")
