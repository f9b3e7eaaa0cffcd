// Disks that fail. SQLite's write and sync go through this file: libc's functions are found here
// first.
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

TEST_SUITE("disk_errors") {

namespace {

// What the disk does; nothing special unless a test says so.
struct Disk {
    int syncs = 0;       // so far
    int sync_error = 0;  // of every one
    int write_error = 0;
};
Disk disk;

}  // namespace

extern "C" int fdatasync(int fd) {
    ++disk.syncs;
    if (disk.sync_error == 0) return static_cast<int>(::syscall(SYS_fdatasync, fd));
    errno = disk.sync_error;
    return -1;
}

extern "C" ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
    if (disk.write_error == 0) return ::syscall(SYS_pwrite64, fd, bytes, size, offset);
    errno = disk.write_error;
    return -1;
}

using namespace myq;
using namespace myq::test;

namespace {

// The disk is sound again when the test ends.
struct Failing {
    Failing() = default;
    ~Failing() { disk = {}; }
    Failing(const Failing&) = delete;
    Failing& operator=(const Failing&) = delete;
};

JournalError::Kind failure(Journal& journal, Survives survives) {
    try {
        journal.transact(survives,
                         [&] { journal.insert(journal.queue_number("jobs"), message(1, "x")); });
    } catch (const JournalError& error) {
        return error.kind();
    }
    return JournalError::Kind::other;
}

}  // namespace

TEST_CASE("what survives a power cut was synced when transact() returns, the rest was not") {
    ScratchJournal journal;
    const auto syncs = [&](Survives survives) {
        const int before = disk.syncs;
        journal.transact(survives,
                         [&] { journal.insert(journal.queue_number("jobs"), message(1, "x")); });
        return disk.syncs - before;
    };
    for (int i = 0; i < 3; ++i) {
        CHECK(syncs(Survives::power_cut) == 1);
        CHECK(syncs(Survives::power_cut) == 1);
        CHECK(syncs(Survives::kill) == 0);
        CHECK(syncs(Survives::kill) == 0);
    }
}

TEST_CASE("a write that is repeated is synced: whoever made it may have died before that") {
    ScratchJournal journal;
    const auto write = [&](Survives survives) {
        bool is_repeated = false;
        journal.transact(survives, [&] {
            is_repeated = journal.is_repeated({1, 1});
            if (!is_repeated) journal.insert(journal.queue_number("jobs"), message(1, "x"));
        });
        return is_repeated;
    };
    REQUIRE_FALSE(write(Survives::kill));
    const int before = disk.syncs;
    CHECK(write(Survives::power_cut));
    CHECK(disk.syncs == before + 1);
    CHECK(journal.entries().size() == 1);
}

TEST_CASE("a sync that fails is no commit, and the connection is over") {
    const Failing failing;
    ScratchJournal journal;
    journal.put(message(1, "before"));
    disk.sync_error = EIO;
    CHECK(failure(journal, Survives::power_cut) == JournalError::Kind::io);
    disk.sync_error = 0;
    CHECK(failure(journal, Survives::kill) == JournalError::Kind::io);
    CHECK_THROWS_AS(journal.next_due("jobs", Selector::any()), JournalError);
    CHECK_THROWS_AS(journal.counts(0), JournalError);
    CHECK_THROWS_AS(journal.entries(), JournalError);
    CHECK_THROWS_AS(journal.check(), JournalError);

    ScratchJournal::Taken before;
    Journal next(journal.directory(), {}, false);
    next.transact(Survives::kill, [&] {
        next.claim(next.queue_number("jobs"), Selector::any(), slot, 1, 1,
                   [&](const DueMessage& due) { before.body = text(due.body); });
    });
    CHECK(before.body == "before");
}

TEST_CASE("an I/O error says the file, the reason and what to do") {
    const Failing failing;
    ScratchJournal journal;
    disk.write_error = EIO;
    try {
        journal.put(message(1, "x"));
        FAIL("it was written");
    } catch (const JournalError& error) {
        CHECK(error.kind() == JournalError::Kind::io);
        CHECK(std::string(error.what()) ==
              journal.file().string() +
                  ": cannot be read or written (disk I/O error: Input/output error): look for the "
                  "disk's errors with dmesg(1), then restart myqd");
    }
}

TEST_CASE("a full disk is no broken one: it goes on when there is room") {
    const Failing failing;
    ScratchJournal journal;
    for (const int error : {ENOSPC, EDQUOT}) {
        CAPTURE(error);
        disk.write_error = error;
        CHECK(failure(journal, Survives::power_cut) == JournalError::Kind::full);
        CHECK(failure(journal, Survives::kill) == JournalError::Kind::full);
        disk.write_error = 0;
        CHECK(journal.put(message(1, "x")) == Inserted::yes);
    }
    CHECK(journal.entries().size() == 2);
    CHECK(journal.check().empty());
}

TEST_CASE("when the log cannot be emptied, what was committed is, and the next one is told") {
    const Failing failing;
    ScratchJournal journal;
    journal.put(message(1, "first"));
    int committed = 0;
    const std::string body(4'000'000, 'x');
    disk.sync_error = EIO;  // of the log and the file, when one is moved to the other
    try {
        for (; committed < 100; ++committed)
            journal.put(message(1, body));
    } catch (const JournalError& error) {
        CHECK(error.kind() == JournalError::Kind::io);
    }
    CHECK(committed > 1);
    CHECK(committed < 10);
    disk.sync_error = 0;
    Journal next(journal.directory(), {}, false);
    CHECK(next.counts(0).at(0).counts.ready == static_cast<std::uint64_t>(committed) + 1);
}

}  // TEST_SUITE("disk_errors")
