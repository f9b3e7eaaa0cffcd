#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

TEST_SUITE("unique_key") {

using namespace myq;
using namespace myq::test;

namespace {

NewMessage keyed(std::string_view key, std::string_view body) {
    NewMessage message = test::message(1, body);
    message.unique_key = key;
    return message;
}

}  // namespace

TEST_CASE("a second message with a key that is live is refused, and changes nothing") {
    ScratchJournal journal;
    REQUIRE(journal.put(keyed("k", "first")) == Inserted::yes);
    CHECK(journal.put(keyed("k", "second")) == Inserted::duplicate);
    CHECK(journal.bodies() == "first");
    CHECK(journal.put(keyed("other", "third")) == Inserted::yes);
    CHECK(journal.entries().at(1).unique_key == "other");

    journal.take();  // running is live too
    CHECK(journal.put(keyed("k", "fourth")) == Inserted::duplicate);
    const Attempt no{1, 1, "no"};
    journal.transact(Survives::kill, [&] { journal.defer(1, 1, much_later * 2, {&no, 1}); });
    CHECK(journal.put(keyed("k", "fifth")) == Inserted::duplicate);
}

TEST_CASE("a refused message gets no history") {
    ScratchJournal journal;
    journal.put(keyed("k", "first"));
    const Attempt no{1, 1, "no"};
    NewMessage second = keyed("k", "second");
    second.history = {&no, 1};
    REQUIRE(journal.put(second) == Inserted::duplicate);
    journal.put(keyed("other", "third"));
    for (const JournalEntry& entry : journal.entries())
        CHECK(journal.find(entry.row, 0).value().history.empty());
}

TEST_CASE("a key is free again when its message is handled or dead") {
    ScratchJournal journal;
    for (const bool dies : {false, true}) {
        CAPTURE(dies);
        REQUIRE(journal.put(keyed("k", "x")) == Inserted::yes);
        const std::int64_t row = journal.take().at(0).row;
        journal.transact(Survives::kill, [&] {
            if (dies)
                journal.bury(row, 1, "why", {});
            else
                journal.finish(row);
        });
        CHECK(journal.put(keyed("k", "y")) == Inserted::yes);
        const std::int64_t next = journal.take().at(0).row;
        journal.transact(Survives::kill, [&] { journal.finish(next); });
    }
}

TEST_CASE("keys are bytes, and each queue has its own") {
    using namespace std::string_literals;
    ScratchJournal journal;
    CHECK(journal.put(keyed("a\0b"s, "1")) == Inserted::yes);
    CHECK(journal.put(keyed("a\0c"s, "2")) == Inserted::yes);
    CHECK(journal.put(keyed("a", "3")) == Inserted::yes);
    CHECK(journal.put(keyed("A", "4")) == Inserted::yes);
    CHECK(journal.put(keyed("a", "5"), "other") == Inserted::yes);
    CHECK(journal.put(keyed("a\0c"s, "6")) == Inserted::duplicate);
    CHECK(journal.entries().at(1).unique_key == "a\0c"s);
}

TEST_CASE("messages without a key never stand in each other's way") {
    ScratchJournal journal;
    CHECK(journal.put(message(1, "a")) == Inserted::yes);
    CHECK(journal.put(message(1, "b")) == Inserted::yes);
}

TEST_CASE("a dead message whose key is live again stays dead") {
    ScratchJournal journal;
    NewMessage old = keyed("k", "old");
    old.dead = true;
    journal.put(old);
    journal.put(old);
    journal.put(keyed("k", "new"));

    const auto blocked = journal.revive({});
    CHECK(blocked.revived == 0);
    CHECK(blocked.blocked == 2);

    const std::int64_t row = journal.take().at(0).row;
    journal.transact(Survives::kill, [&] { journal.finish(row); });
    const auto one = journal.revive({});  // the first of them takes the key
    CHECK(one.revived == 1);
    CHECK(one.blocked == 1);
    CHECK(journal.take_bodies() == "old");
}

}  // TEST_SUITE("unique_key")
