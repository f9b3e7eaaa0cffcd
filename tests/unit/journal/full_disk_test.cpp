// The journal on a disk without room: a file system of a few megabytes, in a world of the test's
// own.
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <sys/mount.h>

TEST_SUITE("full_disk") {

using namespace myq;
using namespace myq::test;
namespace fs = std::filesystem;

namespace {

struct SmallDisk {
    fs::path path = "/run/small-disk";
    SmallDisk() {
        fs::create_directory(path);
        REQUIRE(::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=8m") == 0);
    }
    ~SmallDisk() { ::umount2(path.c_str(), MNT_DETACH); }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
};

void put(Journal& journal, std::string_view body, bool admission) {
    journal.transact(Survives::power_cut, [&] {
        const std::int64_t queue = journal.queue_number("jobs");
        if (admission) journal.admit(queue, RowFor::work, body.size());
        journal.insert(queue, message(1, body));
    });
}

struct Full {
    int accepted = 0;
    std::string reason;
};
Full fill(Journal& journal, std::size_t size, bool admission) {
    Full full;
    try {
        for (; full.accepted < 100'000; ++full.accepted)
            put(journal, std::string(size, 'x'), admission);
    } catch (const JournalError& error) {
        CHECK(error.kind() == JournalError::Kind::full);
        full.reason = error.what();
    }
    return full;
}

std::uint64_t rows(Journal& journal) {
    return journal.counts(1).at(0).counts.ready;
}

}  // namespace

TEST_CASE("new messages leave min_free on the disk, and what ends the others can be written") {
    const SmallDisk disk;
    JournalLimits limits;
    limits.min_free = std::uint64_t{4} << 20U;
    Journal journal(disk.path, limits, true);
    const Full full = fill(journal, 10'000, true);
    CHECK(full.accepted > 50);
    const std::uintmax_t left = fs::space(disk.path).available;
    CHECK(full.reason ==
          (disk.path / "journal.db").string() + ": the disk has only " +
              std::to_string(left >> 20U) +
              " MiB left and journal.min_free keeps 4 MiB: free space on it, or lower min_free");
    CHECK(left > limits.min_free);

    std::vector<std::int64_t> taken;
    journal.transact(Survives::kill, [&] {
        journal.claim(journal.queue_number("jobs"), Selector::any(), slot, 1, 100'000,
                      [&](const DueMessage& due) { taken.push_back(due.row); });
        for (const std::int64_t row : taken)
            journal.finish(row);
    });
    CHECK(static_cast<int>(taken.size()) == full.accepted);
}

TEST_CASE("a disk that is really full refuses whole transactions, and goes on with room") {
    const SmallDisk disk;
    JournalLimits limits;
    limits.min_free = 0;
    Journal journal(disk.path, limits, true);
    write_file(disk.path / "theirs", std::string(1'000'000, 'x'));
    const Full full = fill(journal, 50'000, false);
    CHECK(full.accepted > 10);
    CHECK(full.reason ==
          (disk.path / "journal.db").string() + ": the disk is full: free space on it");
    CHECK(rows(journal) == static_cast<std::uint64_t>(full.accepted));

    fs::remove(disk.path / "theirs");
    CHECK_NOTHROW(put(journal, "room", false));
    CHECK(rows(journal) == static_cast<std::uint64_t>(full.accepted) + 1);
    CHECK(journal.check().empty());
}

TEST_CASE("a journal cannot be made on a full disk, and can when there is room") {
    const SmallDisk disk;
    write_file(disk.path / "theirs", std::string(std::size_t{9} << 20U, 'x'));
    try {
        const Journal journal(disk.path, {}, true);
        FAIL("it was made");
    } catch (const JournalError& error) {
        CHECK(error.kind() == JournalError::Kind::full);
    }
    fs::remove(disk.path / "theirs");
    JournalLimits limits;
    limits.min_free = 0;
    Journal journal(disk.path, limits, true);
    CHECK_NOTHROW(put(journal, "x", true));
}

}  // TEST_SUITE("full_disk")
