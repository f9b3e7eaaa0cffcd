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
    journal.transact(Survives::kill, [&] {
        const std::int64_t queue = journal.queue_number("jobs");
        for (int i = 0; i < 100; ++i) {
            journal.admit(queue, RowFor::work, 1000);
            journal.insert(queue, message(1, std::string(1000, 'x')));
        }
    });
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
    const std::string full = "it holds 100 MiB, and journal.max_size is 100 MiB: let the workers "
                             "catch up, drop what is dead, or raise max_size";
    struct Row {
        Room room;
        std::string reason;
        std::uint64_t held = 2 * mib;
    };
    const Row rows[] = {
        {{0, 0, 0, 32 * mib, 165 * mib}, ""},
        {{99 * mib, 0, 32 * mib, 32 * mib, 165 * mib}, ""},
        {{100 * mib, 0, 0, 32 * mib, 165 * mib}, full},
        {{90 * mib, 0, 42 * mib, 32 * mib, 165 * mib}, full},
        // Who has next to nothing finds room even then.
        {{100 * mib, 0, 0, 32 * mib, 165 * mib}, "", mib},
        {{0, 0, 0, 32 * mib, 65 * mib - 1},
         "the disk has only 64 MiB left and journal.min_free keeps 64 MiB: free space on it, or "
         "lower min_free"},
        {{0, 54 * mib, 0, 32 * mib, 12 * mib}, ""},
        {{0, 52 * mib, 0, 32 * mib, 12 * mib},
         "the disk has only 12 MiB left and journal.min_free keeps 64 MiB: free space on it, or "
         "lower min_free"},
        {{0, 90 * mib, 0, 32 * mib, mib - 1}, "the disk has only 1023 KiB left: free space on it"},
        {{50 * mib, 0, 0, 32 * mib, 265 * mib, 39 * mib}, ""},
        {{60 * mib, 0, 0, 32 * mib, 265 * mib, 40 * mib},
         "it holds 60 MiB, 40 MiB are to come, and journal.max_size is 100 MiB: let the workers "
         "catch up, drop what is dead, or raise max_size"},
        {{0, 0, 0, 32 * mib, 105 * mib - 1, 40 * mib},
         "the disk has only 104 MiB left and journal.min_free keeps 64 MiB: free space on it, or "
         "lower min_free"},
        {{0, 64 * mib, 0, 32 * mib, 81 * mib - 1, 40 * mib},
         "the disk has only 80 MiB left: free space on it"},
    };
    for (const Row& row : rows)
        CHECK(why_no_room(row.room, limits, {"jobs", RowFor::work, row.held}) == row.reason);
    limits.min_free = 0;
    CHECK(why_no_room({0, 0, 0, 0, mib}, limits, {}).empty());
    CHECK_FALSE(why_no_room({0, 0, 0, 0, mib - 1}, limits, {}).empty());
}

TEST_CASE("a queue may have four times what is left, and twice where its senders put it off") {
    JournalLimits limits;
    limits.max_size = 90 * mib;
    limits.min_free = 0;
    const Room room{60 * mib, 0, 0, 0, 900 * mib, 5 * mib};  // 30 are left, 25 afterwards
    CHECK(why_no_room(room, limits, {"jobs", RowFor::later, 45 * mib}).empty());
    CHECK(why_no_room(room, limits, {"jobs", RowFor::later, 46 * mib}) ==
          "queue jobs has 46 MiB in it, put off by senders, 5 MiB are to come, and that must stay "
          "less "
          "than 2 times the 30 MiB that are left, so that other queues find room: drop some (myq "
          "drop), or raise journal.max_size");
    CHECK(why_no_room(room, limits, {"jobs", RowFor::keeps, 60 * mib}).empty());
    Room tight = room;
    tight.disk = 21 * mib;
    CHECK(why_no_room(tight, limits, {"jobs", RowFor::work, 60 * mib, false}) ==
          "queue jobs has up to 60 MiB in it, 5 MiB are to come, and that must stay less than 4 "
          "times the 20 MiB that are left, so that other queues find room: let the workers catch "
          "up, drop what is dead, or free space on the disk");
}

TEST_CASE(
    "what one queue puts off leaves room for what others put off, for work and for the dead") {
    JournalLimits limits;
    limits.max_size = 8 * mib;
    limits.min_free = 0;
    ScratchJournal journal(limits);
    const auto put = [&](std::string_view queue, RowFor purpose, std::size_t size) {
        try {
            journal.transact(Survives::kill, [&] {
                const std::int64_t number = journal.queue_number(queue);
                journal.admit(number, purpose, size);
                const std::string body(size, 'x');
                journal.insert(number, purpose == RowFor::keeps   ? dead(1, body, "why")
                                       : purpose == RowFor::later ? message(1, body, much_later)
                                                                  : message(1, body));
            });
            return true;
        } catch (const JournalError& error) {
            CHECK(error.kind() == JournalError::Kind::full);
            return false;
        }
    };
    const auto fill = [&](std::string_view queue, RowFor purpose, std::size_t size) {
        std::size_t count = 0;
        while (count < 1000 && put(queue, purpose, size))
            ++count;
        return count;
    };
    const std::size_t first = fill("jobs", RowFor::later, 500'000);
    CHECK(first >= 9);
    CHECK(first <= 11);  // two thirds of 8 MiB
    CHECK(fill("mail", RowFor::later, 200'000) >= 3);
    CHECK(put("jobs", RowFor::keeps, 200'000));
    CHECK(fill("letters", RowFor::work, 100'000) >= 3);
    CHECK_FALSE(put("jobs", RowFor::later, 200'000));
    // Whoever has next to nothing there is let in, however full it is.
    CHECK(put("new", RowFor::later, 1000));
    // And it is as before when what was put off is gone.
    JournalFilter filter;
    filter.queue = "jobs";
    filter.states = {JournalState::delayed};
    CHECK(journal.drop(filter, 1) == first);
    CHECK(put("jobs", RowFor::later, 200'000));
}

TEST_CASE("at max_size new messages are refused, and what is there goes on") {
    JournalLimits limits;
    limits.max_size = mib;
    limits.min_free = 0;
    ScratchJournal journal(limits);
    const std::string reason = fill_up(journal);
    CHECK(reason.starts_with(journal.file().string() + ": queue jobs has "));
    CHECK(
        reason.ends_with("let the workers catch up, drop what is dead, or raise journal.max_size"));
    CHECK(journal.count(1).ready >= 500);  // in whole transactions

    // Without admission there is always room: for what is tried again, and for the dead.
    CHECK(journal.put(message(1, "retry")) == Inserted::yes);
    const auto taken = journal.take();
    REQUIRE(taken.size() > 500);
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
