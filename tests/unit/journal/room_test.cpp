// When the journal takes no new messages, and that it goes on with what it has.
#include "journal/room.hpp"
#include "journal/sqlite.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

TEST_SUITE("room") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;

// With admission, 100 messages of 1000 bytes.
void fill(ScratchJournal& journal) {
    journal.transact(
        Survives::kill,
        [&] {
            const std::int64_t queue = journal.queue_number("jobs");
            for (int i = 0; i < 100; ++i)
                journal.insert(queue, message(1, std::string(1000, 'x')));
        },
        true);
}

std::string fill_up(ScratchJournal& journal) {
    for (int i = 0; i < 1000; ++i) {
        try {
            fill(journal);
        } catch (const JournalError& error) {
            CHECK(error.kind() == JournalError::Kind::full);
            return error.what();
        }
    }
    return "it is never full";
}

}  // namespace

TEST_CASE("there is room, or a sentence says which limit there is") {
    JournalLimits limits;
    limits.max_size = 100 * mib;
    limits.min_free = 64 * mib;
    struct Row {
        Room room;
        std::string reason;
    };
    const Row rows[] = {
        {{0, 0, 0, 32 * mib, 65 * mib}, ""},
        {{100 * mib - 1, 0, 32 * mib, 32 * mib, 65 * mib}, ""},
        {{100 * mib, 0, 0, 32 * mib, 65 * mib},
         "it holds 100 MiB, and journal.max_size is 100 MiB: let the workers catch up, drop what "
         "is "
         "dead, or raise max_size"},
        {{90 * mib, 0, 42 * mib, 32 * mib, 65 * mib},
         "it holds 100 MiB, and journal.max_size is 100 MiB: let the workers catch up, drop what "
         "is "
         "dead, or raise max_size"},
        {{0, 0, 0, 32 * mib, 65 * mib - 1},
         "the disk has only 64 MiB left and journal.min_free keeps 64 MiB: free space on it, or "
         "lower min_free"},
        {{0, 53 * mib, 0, 32 * mib, 12 * mib}, ""},
        {{0, 52 * mib, 0, 32 * mib, 12 * mib},
         "the disk has only 12 MiB left and journal.min_free keeps 64 MiB: free space on it, or "
         "lower min_free"},
        {{0, 90 * mib, 0, 32 * mib, mib - 1}, "the disk has only 1023 KiB left: free space on it"},
        {{60 * mib, 0, 0, 32 * mib, 265 * mib, 40 * mib}, ""},
        {{60 * mib, 0, 0, 32 * mib, 265 * mib, 40 * mib + 1},
         "it holds 60 MiB, 40 MiB are to come, and journal.max_size is 100 MiB: let the workers "
         "catch up, drop what is dead, or raise max_size"},
        {{0, 0, 0, 32 * mib, 105 * mib, 40 * mib}, ""},
        {{0, 0, 0, 32 * mib, 105 * mib - 1, 40 * mib},
         "the disk has only 104 MiB left and journal.min_free keeps 64 MiB: free space on it, or "
         "lower min_free"},
        {{0, 64 * mib, 0, 32 * mib, 81 * mib - 1, 40 * mib},
         "the disk has only 80 MiB left: free space on it"},
    };
    for (const Row& row : rows)
        CHECK(why_no_room(row.room, limits) == row.reason);
    limits.min_free = 0;
    CHECK(why_no_room({0, 0, 0, 0, mib}, limits).empty());
    CHECK_FALSE(why_no_room({0, 0, 0, 0, mib - 1}, limits).empty());
}

TEST_CASE("at max_size new messages are refused, and what is there goes on") {
    JournalLimits limits;
    limits.max_size = mib;
    limits.min_free = 0;
    ScratchJournal journal(limits);
    const std::string reason = fill_up(journal);
    CHECK(reason == journal.file().string() +
                        ": it holds 1 MiB, and journal.max_size is 1 MiB: let the workers catch "
                        "up, drop what is dead, or raise max_size");
    CHECK(journal.count(1).ready >= 800);

    // Without admission there is always room: for what is tried again, and for the dead.
    CHECK(journal.put(message(1, "retry")) == Inserted::yes);
    const auto taken = journal.take();
    REQUIRE(taken.size() > 800);
    journal.transact(Survives::kill, [&] {
        for (const auto& message : taken)
            journal.finish(message.row);
    });
    CHECK(journal.entries().empty());
}

TEST_CASE("there is room again where messages were, and the file grows no more") {
    JournalLimits limits;
    limits.max_size = mib;
    limits.min_free = 0;
    ScratchJournal journal(limits);
    for (int round = 0; round < 20; ++round) {
        fill_up(journal);
        for (auto taken = journal.take(); !taken.empty(); taken = journal.take()) {
            journal.transact(Survives::kill, [&] {
                for (const auto& message : taken)
                    journal.finish(message.row);
            });
        }
    }
    CHECK(std::filesystem::file_size(journal.file()) < 2 * mib);
}

TEST_CASE("no new message takes what min_free leaves on the disk") {
    JournalLimits limits;
    limits.min_free = ~std::uint64_t{0} / 2;
    ScratchJournal journal(limits);
    const std::string reason = fill_up(journal);
    CHECK(reason.find("left and journal.min_free keeps 8589934591 GiB") != std::string::npos);
    CHECK(journal.put(message(1, "retry")) == Inserted::yes);
}

TEST_CASE("a log that a long read keeps from being emptied counts, until the read ends") {
    JournalLimits limits;
    limits.max_size = 8 * mib;
    limits.min_free = 0;
    ScratchJournal journal(limits);
    for (int i = 0; i < 10; ++i)
        fill(journal);
    const std::filesystem::path log = journal.file().string() + "-wal";
    {
        Database reader(journal.file());
        Statement statement(reader, "SELECT id FROM message");
        auto rows = statement.rows();
        REQUIRE(rows.next());
        while (std::filesystem::file_size(log) < 41 * mib) {
            const auto taken = journal.take();
            journal.transact(Survives::kill, [&] {
                for (const auto& message : taken)
                    journal.release(message.row);
            });
        }
        CHECK_THROWS_AS(fill(journal), JournalError);
    }
    CHECK_NOTHROW(fill(journal));
    CHECK(std::filesystem::file_size(log) < 2 * mib);
}

}  // TEST_SUITE("room")
