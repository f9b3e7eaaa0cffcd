// What a child owns of its parent's semaphores: nothing.
#include "ipc/semaphore.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <sys/syscall.h>

#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>

TEST_SUITE("semaphore_fork") {

using namespace myq;
using namespace myq::test;

namespace {

bool are(const SemaphoreSet& set, int free, int users) {
    const SemaphoreValues values = set.values();
    return values.free == free && values.users == users && values.setting_up == 0;
}

// A semaphore of which this process holds the only permit.
struct Held {
    std::optional<Semaphore> semaphore{
        Semaphore::create(QueueKey::private_queue(), 0600, {.max_acquire = 1})};
    SemaphoreSet set = semaphore->set();
    Held() { REQUIRE(semaphore->try_acquire()); }
    ~Held() { set.remove(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
};

}  // namespace

TEST_CASE("A child that ends releases nothing of its parent's, not even for a moment") {
    Held held;
    CHECK(in_child([&] {
              if (held.semaphore->held() != 0) return 1;
              held.semaphore.reset();
              // Who touched it last tells that nobody slipped in and out: PHP's child does that.
              return held.set.values().last_pid == getppid() ? 0 : 2;
          }) == 0);
    CHECK(are(held.set, 0, 1));
    CHECK(held.set.values().last_pid == getpid());
    CHECK(held.semaphore->held() == 1);
    held.semaphore->release();
    CHECK(are(held.set, 1, 1));
}

TEST_CASE("A child may not release what its parent holds") {
    Held held;
    CHECK(in_child([&] {
              try {
                  held.semaphore->release();
              } catch (const std::logic_error&) {
                  return are(held.set, 0, 1) ? 0 : 1;
              }
              return 2;
          }) == 0);
    CHECK(are(held.set, 0, 1));
}

TEST_CASE("A child that acquires becomes a user of its own, and waits for its parent") {
    Held held;
    const pid_t child = fork_child([&] {
        if (held.semaphore->try_acquire()) return 1;
        if (!are(held.set, 0, 2)) return 2;
        if (held.semaphore->acquire() != AcquireStatus::acquired) return 3;
        return held.semaphore->held() == 1 ? 0 : 4;
    });
    REQUIRE(blocks_in(child, SYS_semtimedop));
    held.semaphore->release();
    CHECK(wait_for(child) == 0);
    CHECK(are(held.set, 1, 1));
}

TEST_CASE("A child keeps what it acquired when its parent is killed") {
    Held held;
    const pid_t parent = fork_child([&] {
        Semaphore semaphore(held.set);
        const pid_t child = fork_child([&] {
            if (semaphore.acquire() != AcquireStatus::acquired) return 1;
            return rest();
        });
        return wait_for(child);
    });
    REQUIRE(blocks_in(parent, SYS_wait4));
    held.semaphore->release();
    // In the child's hands now.
    while (held.set.values().free != 0) {
    }
    const pid_t child = held.set.values().last_pid;
    REQUIRE(child != parent);
    kill(parent, SIGKILL);
    CHECK(wait_for(parent) == -SIGKILL);
    CHECK(are(held.set, 0, 2));
    kill(child, SIGKILL);
    CHECK(held.semaphore->acquire() == AcquireStatus::acquired);
    CHECK(are(held.set, 0, 1));
}

TEST_CASE("A guard releases at its end, in its own process, once") {
    Held held;
    held.semaphore->release();
    {
        const SemaphoreGuard guard(*held.semaphore);
        CHECK(are(held.set, 0, 1));
        CHECK(!SemaphoreGuard::try_acquire(*held.semaphore));
    }
    CHECK(are(held.set, 1, 1));

    auto guard = SemaphoreGuard::try_acquire(*held.semaphore);
    REQUIRE(guard);
    SemaphoreGuard moved(std::move(*guard));
    guard.reset();
    CHECK(are(held.set, 0, 1));
    moved.release();
    CHECK(are(held.set, 1, 1));
    moved.release();
    CHECK(are(held.set, 1, 1));
}

TEST_CASE("A guard that a child inherits releases nothing, not even what the child acquired") {
    Held held;
    Semaphore two = Semaphore::create(QueueKey::private_queue(), 0600, {.max_acquire = 2});
    {
        auto guard = std::make_unique<SemaphoreGuard>(two);
        CHECK(in_child([&] {
                  if (!two.try_acquire() || !are(two.set(), 0, 2)) return 1;
                  guard.reset();
                  return are(two.set(), 0, 2) && two.held() == 1 ? 0 : 2;
              }) == 0);
        CHECK(are(two.set(), 1, 1));
    }
    CHECK(are(two.set(), 2, 1));
    two.set().remove();
}

TEST_CASE("The end of a guard keeps quiet about a semaphore that was removed") {
    Semaphore semaphore = Semaphore::create(QueueKey::private_queue(), 0600);
    {
        const SemaphoreGuard guard(semaphore);
        semaphore.set().remove();
    }
    CHECK_THROWS_AS(static_cast<void>(semaphore.try_acquire()), IpcError);
}

}  // TEST_SUITE("semaphore_fork")
