#include "journal/write_lock.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/journal/gate.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

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

TEST_CASE(
    "who waits for somebody who keeps the lock gives up, says who it is, and may come again") {
    using namespace std::chrono_literals;
    const TempDir dir;
    const Gate locked, leave;
    const std::string file = (dir.path() / "journal.lock").string();
    const pid_t holder = fork_child([&] {
        const WriteLock lock(file);
        const WriteLock::Held held(lock);
        locked.open();
        leave.pass();
        return 0;
    });
    locked.pass();
    const WriteLock lock(file, 50ms);
    const std::string who = file + ": locked for 0.05 s by process " + std::to_string(holder);
    for (int i = 0; i < 2; ++i)
        CHECK_THROWS_WITH_AS(WriteLock::Held{lock}, doctest::Contains(who.c_str()), JournalError);
    leave.open();
    CHECK(wait_for(holder) == 0);
    const WriteLock::Held held(lock);
}

TEST_CASE(
    "a lock that the kernel names nobody for is waited for no longer, and who has it is found") {
    using namespace std::chrono_literals;
    const TempDir dir;
    const std::string file = (dir.path() / "journal.lock").string();
    const WriteLock lock(file, 50ms);
    const int other = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    REQUIRE(::fcntl(other, F_OFD_SETLK, &whole) == 0);
    const std::string who = "by process " + std::to_string(::getpid());
    CHECK_THROWS_WITH_AS(WriteLock::Held{lock}, doctest::Contains(who.c_str()), JournalError);
    ::close(other);
    const WriteLock::Held held(lock);
}

TEST_CASE("who only reads waits for no writer") {
    const TempDir dir;
    { const Journal made(dir.path(), {}, true); }
    const Gate locked, leave;
    const pid_t holder = fork_child([&] {
        const WriteLock lock(dir.path() / "journal.lock");
        const WriteLock::Held held(lock);
        locked.open();
        leave.pass();
        return 0;
    });
    locked.pass();
    {
        Journal journal(dir.path(), {}, false);
        CHECK(journal.counts(0).empty());
    }
    CHECK(::kill(holder, 0) == 0);
    leave.open();
    CHECK(wait_for(holder) == 0);
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
