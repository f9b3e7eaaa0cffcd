#include "journal/write_lock.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/journal/gate.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/syscall.h>

#include <filesystem>
#include <fstream>

TEST_SUITE("write_lock") {

using namespace myq;
using namespace myq::test;

namespace {

// Puts one message in, once it may, when the gate is open.
pid_t start_writer(const TempDir& dir, const Gate& gate) {
    return fork_child([&] {
        struct sigaction action {};
        action.sa_handler = [](int) {};
        ::sigaction(SIGUSR1, &action, nullptr);  // no SA_RESTART
        gate.pass();
        Journal own(dir.path(), {}, true);
        own.transact(Survives::kill,
                     [&] { own.insert(own.queue_number("jobs"), message(1, "x")); });
        return 0;
    });
}

std::uint64_t messages(const TempDir& dir) {
    return Journal(dir.path(), {}, false).counts(0).at(0).counts.ready;
}

}  // namespace

TEST_CASE("a writer sleeps in the kernel until the other is done, whatever signals come") {
    const TempDir dir;
    const Gate gate;
    const pid_t writer = start_writer(dir, gate);
    {
        Journal journal(dir.path(), {}, true);
        journal.transact(Survives::kill, [&] {
            journal.insert(journal.queue_number("jobs"), message(1, "y"));
            gate.open();
            REQUIRE(blocks_in(writer, SYS_fcntl));
            REQUIRE(::kill(writer, SIGUSR1) == 0);
            REQUIRE(blocks_in(writer, SYS_fcntl));
        });
        CHECK(wait_for(writer) == 0);
        CHECK(journal.counts(0).at(0).counts.ready == 2);
    }
}

TEST_CASE("who waits for the lock is not overtaken by who has just had it") {
    const TempDir dir;
    const Gate gate;
    const auto mark = dir.path() / "the other was here";
    const pid_t other = fork_child([&] {
        gate.pass();
        const WriteLock own(dir.path() / "journal.lock");
        const WriteLock::Held held(own);
        std::ofstream(mark).flush();
        return 0;
    });
    const WriteLock lock(dir.path() / "journal.lock");
    {
        const WriteLock::Held first(lock);
        gate.open();
        REQUIRE(blocks_in(other, SYS_fcntl));
    }
    {
        const WriteLock::Held again(lock);
        CHECK(std::filesystem::exists(mark));
    }
    CHECK(wait_for(other) == 0);
}

TEST_CASE("who dies with the lock leaves it") {
    const TempDir dir;
    const Gate locked, start;
    const pid_t holder = fork_child([&] {
        const WriteLock lock(dir.path() / "journal.lock");
        const WriteLock::Held held(lock);
        locked.open();
        ::pause();
        return 0;
    });
    locked.pass();
    start.open();
    const pid_t writer = start_writer(dir, start);
    REQUIRE(blocks_in(writer, SYS_fcntl));
    REQUIRE(::kill(holder, SIGKILL) == 0);
    CHECK(wait_for(holder) == -SIGKILL);
    CHECK(wait_for(writer) == 0);
    CHECK(messages(dir) == 1);
}

TEST_CASE("an exception gives the lock back") {
    const TempDir dir;
    const Gate gate;
    const pid_t writer = start_writer(dir, gate);
    Journal journal(dir.path(), {}, true);
    struct Stop {};
    CHECK_THROWS_AS(journal.transact(Survives::kill, [] { throw Stop{}; }), Stop);
    gate.open();
    CHECK(wait_for(writer) == 0);
}

TEST_CASE("two journals in one process do not spoil each other's work") {
    const TempDir dir;
    const Gate gate;
    const pid_t writer = start_writer(dir, gate);
    Journal journal(dir.path(), {}, true);
    {
        Journal other(dir.path(), {}, false);
        other.transact(Survives::kill,
                       [&] { other.insert(other.queue_number("jobs"), message(1, "a")); });
    }
    journal.transact(Survives::kill,
                     [&] { journal.insert(journal.queue_number("jobs"), message(1, "b")); });
    gate.open();
    CHECK(wait_for(writer) == 0);
    CHECK(journal.counts(0).at(0).counts.ready == 3);
    CHECK(journal.check().empty());
}

TEST_CASE("a process that was forked while a journal was open cannot open one") {
    const ScratchJournal journal;
    CHECK(in_child([&] {
              try {
                  const Journal own(journal.directory(), {}, false);
              } catch (const std::logic_error&) {
                  return 7;
              }
              return 0;
          }) == 7);
}

}  // TEST_SUITE("write_lock")
