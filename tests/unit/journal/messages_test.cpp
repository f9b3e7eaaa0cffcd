// What becomes of single messages.
#include "journal/sqlite.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <algorithm>

TEST_SUITE("messages") {

using namespace myq;
using namespace myq::test;

TEST_CASE("a message comes out as it went in") {
    ScratchJournal journal;
    NewMessage in = message(9'223'372'036'854'775'807, "hello");
    in.id = MessageId{{std::byte{1}, std::byte{0}, std::byte{255}}};
    in.expires_ms = 5;
    in.attempts = 3;
    REQUIRE(journal.put(in) == Inserted::yes);

    const auto taken = journal.take();
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].row == 1);
    CHECK(taken[0].type == in.type);
    CHECK(taken[0].attempts == 3);
    CHECK(taken[0].id == in.id);
    CHECK(taken[0].expires_ms == 5);
    CHECK(taken[0].body == "hello");
}

TEST_CASE("bodies may be empty, long, and any bytes") {
    ScratchJournal journal;
    std::string all(256, '\0');
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = static_cast<char>(i);
    for (const std::string& body : {std::string(), all, std::string(3'000'000, 'x')}) {
        CAPTURE(body.size());
        journal.put(message(1, body));
        const auto taken = journal.take();
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].size == body.size());
        CHECK(taken[0].body == (body.size() <= longest_claimed_body ? body : ""));
        std::string read;
        CHECK(journal.read_body(taken[0].row, [&](auto bytes) { read = text(bytes); }));
        CHECK(read == body);
        CHECK(text(journal.find(taken[0].row, 0).value().body) == body);
        journal.transact(Survives::kill, [&] { journal.finish(taken[0].row); });
    }
}

TEST_CASE("of a long body only its length is claimed, nobody's row has none") {
    ScratchJournal journal;
    for (const std::uint64_t size : {longest_claimed_body, longest_claimed_body + 1}) {
        const std::string body(size, 'x');
        journal.put(message(1, body));
        const auto taken = journal.take();
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].size == size);
        CHECK(taken[0].body.empty() == (size > longest_claimed_body));
    }
    CHECK_FALSE(journal.read_body(4711, [](auto) { FAIL("it was read"); }));
}

TEST_CASE("a message without an id, an expiry and a key has none") {
    ScratchJournal journal;
    journal.put(message(1, "x"));
    const JournalEntry entry = journal.entries().at(0);
    CHECK_FALSE(entry.id.is_set());
    CHECK_FALSE(entry.expires_ms.has_value());
    CHECK(entry.unique_key.empty());
    CHECK_FALSE(entry.died_ms.has_value());
}

TEST_CASE("what is claimed is given to nobody else") {
    ScratchJournal journal;
    journal.put(message(1, "x"));
    REQUIRE(journal.take().size() == 1);
    CHECK(journal.take().empty());
    CHECK(journal.take(Selector::any(), 10, much_later, 77).empty());
    CHECK(journal.next_due("jobs", Selector::any()) == std::nullopt);
}

TEST_CASE("finish ends a row, and only one that is claimed") {
    ScratchJournal journal;
    journal.put(message(1, "a"));
    journal.transact(Survives::kill, [&] { journal.finish(1); });
    CHECK(journal.bodies() == "a");

    journal.take();
    journal.transact(Survives::kill, [&] {
        journal.finish(1);
        journal.finish(1);
        journal.finish(99);
    });
    CHECK(journal.entries().empty());
}

TEST_CASE("finish ends many rows at once, and no other") {
    ScratchJournal journal;
    for (const char* body : {"1", "2", "3", "4", "5", "6", "7"})
        journal.put(message(1, body));
    REQUIRE(journal.take().size() == 7);
    const Attempt failed{1, 100, "exit 1"};
    for (const std::int64_t row : {3, 5}) {
        journal.transact(Survives::kill, [&] { journal.defer(row, 1, 5000, {&failed, 1}); });
    }
    CHECK(journal.take(Selector::any(), 1, 5000).at(0).row == 3);

    const std::int64_t rows[] = {1, 2, 3, 4, 5, 7, 7, 8};
    journal.transact(Survives::kill, [&] { journal.finish(rows); });
    CHECK(journal.bodies() == "65");
    CHECK(journal.find(5, 0).value().history.size() == 1);
    Database database(journal.file());
    Statement attempts(database, "SELECT message FROM attempt WHERE message <> 5");
    CHECK_FALSE(attempts.rows().next());
}

TEST_CASE("a number is never given to two rows, so that to finish one again harms no other") {
    ScratchJournal journal;
    journal.put(message(1, "a"));
    const std::int64_t first = journal.take().at(0).row;
    journal.transact(Survives::kill, [&] { journal.finish(first); });
    journal.put(message(1, "b"));
    const std::int64_t second = journal.take().at(0).row;
    CHECK(second > first);
    journal.transact(Survives::kill, [&] { journal.finish(first); });
    CHECK(journal.bodies() == "b");

    Journal again(journal.directory(), {}, false);
    again.transact(Survives::kill, [&] {
        again.finish(second);
        again.insert(again.queue_number("jobs"), message(1, "c"));
    });
    CHECK(journal.entries().at(0).row > second);
}

TEST_CASE("release gives a row back as it was") {
    ScratchJournal journal;
    NewMessage in = message(1, "x", 1234);
    in.attempts = 2;
    journal.put(in);
    const std::int64_t row = journal.take().at(0).row;
    journal.transact(Survives::kill, [&] { journal.release(row); });
    CHECK(journal.next_due("jobs", Selector::any()) == 1234);
    CHECK(journal.take().at(0).attempts == 2);
}

TEST_CASE("defer makes a row due later, with its attempts and what is known of them") {
    ScratchJournal journal;
    journal.put(message(1, "x"));
    const std::int64_t row = journal.take().at(0).row;
    const Attempt first{1, 100, "no answer for 30 s"};
    journal.transact(Survives::kill, [&] { journal.defer(row, 1, 5000, {&first, 1}); });

    CHECK(journal.take(Selector::any(), 10, 4999).empty());
    const auto taken = journal.take(Selector::any(), 10, 5000);
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].attempts == 1);
    const Attempt more[] = {{2, 200, "killed by SIGSEGV"}, {3, 300, std::string("a\0b", 3)}};
    journal.transact(Survives::kill, [&] { journal.defer(row, 3, 9000, more); });

    const auto history = journal.find(row, 0).value().history;
    REQUIRE(history.size() == 3);
    CHECK(history[0].number == 1);
    CHECK(history[0].at_ms == 100);
    CHECK(history[0].cause == "no answer for 30 s");
    CHECK(history[2].number == 3);
    CHECK(history[2].cause == std::string("a\0b", 3));
}

TEST_CASE("bury makes a row dead, with the reason") {
    ScratchJournal journal;
    journal.put(message(7, "x"));
    const std::int64_t row = journal.take().at(0).row;
    const Attempt last{5, 100, "exit 1"};
    journal.transact(Survives::kill, [&] {
        journal.bury(row, 5, "5 attempts failed", {&last, 1});
    });

    CHECK(journal.take().empty());
    const JournalEntry entry = journal.find(row, 0).value();
    CHECK(entry.state == JournalState::dead);
    CHECK(entry.attempts == 5);
    CHECK(entry.reason == "5 attempts failed");
    CHECK(entry.died_ms.value() >= entry.accepted_ms);
    CHECK(entry.history.size() == 1);
}

TEST_CASE("a message may be dead from the start") {
    ScratchJournal journal;
    NewMessage in = dead(7, "x", "nobody takes type 7");
    const Attempt attempt{1, 100, "rejected"};
    in.history = {&attempt, 1};
    journal.put(in);
    CHECK(journal.take().empty());
    const JournalEntry entry = journal.find(1, 0).value();
    CHECK(entry.state == JournalState::dead);
    CHECK(entry.died_ms.has_value());
    CHECK(entry.reason == "nobody takes type 7");
    CHECK(entry.history.size() == 1);
}

TEST_CASE("release, defer and bury leave a row alone that is not claimed") {
    ScratchJournal journal;
    journal.put(message(1, "waits", 500));
    journal.put(dead(1, "dead", "why"));
    const Attempt attempt{1, 1, "no"};
    journal.transact(Survives::kill, [&] {
        for (const std::int64_t row : {1, 2, 99}) {
            journal.release(row);
            journal.defer(row, 9, 9, {&attempt, 1});
            journal.bury(row, 9, "again", {&attempt, 1});
        }
    });
    CHECK(journal.find(1, 0).value().due_ms == 500);
    CHECK(journal.find(1, 0).value().attempts == 0);
    CHECK(journal.find(2, 0).value().reason == "why");
    CHECK(journal.find(1, 0).value().history.empty());
    CHECK(journal.find(2, 0).value().history.empty());
}

TEST_CASE("the claims of each slot are told apart") {
    ScratchJournal journal;
    for (const char* body : {"a", "b", "c"})
        journal.put(message(1, body));
    journal.take(Selector::any(), 2, much_later, 10);
    journal.take(Selector::any(), 2, much_later, 20);
    const auto claimed = [&](std::uint64_t owner) {
        std::vector<std::int64_t> rows;
        journal.transact(Survives::kill, [&] { rows = journal.claimed(owner); });
        return rows;
    };
    CHECK(claimed(10) == std::vector<std::int64_t>{1, 2});
    CHECK(claimed(20) == std::vector<std::int64_t>{3});
    CHECK(claimed(30).empty());
}

TEST_CASE("whoever takes a message may end it there and then") {
    ScratchJournal journal;
    journal.put(message(1, "a"));
    journal.put(message(1, "b"));
    journal.transact(Survives::kill, [&] {
        const auto end = [&](const DueMessage& due) {
            if (text(due.body) == "a") journal.finish(due.row);
        };
        journal.claim(journal.queue_number("jobs"), Selector::any(), slot, 1, 10, end);
    });
    CHECK(journal.bodies() == "b");
}

}  // TEST_SUITE("messages")
