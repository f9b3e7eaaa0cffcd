// Which messages are due, for whom, in which order.
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <limits>

TEST_SUITE("claim") {

using namespace myq;
using namespace myq::test;

TEST_CASE("what is due comes oldest first") {
    ScratchJournal journal;
    for (const char* body : {"a", "b", "c", "d"})
        journal.put(message(1, body));
    CHECK(journal.take_bodies(Selector::any(), 0).empty());
    CHECK(journal.take_bodies(Selector::any(), 2) == "ab");
    CHECK(journal.take_bodies(Selector::any(), 2) == "cd");
    CHECK(journal.take_bodies(Selector::any(), 2).empty());
}

TEST_CASE("a message is not given out before it is due") {
    ScratchJournal journal;
    journal.put(message(1, "c", 3000));
    journal.put(message(1, "a", 1000));
    journal.put(message(1, "b", 2000));
    CHECK(journal.take_bodies(Selector::any(), 10, 999).empty());
    CHECK(journal.take_bodies(Selector::any(), 10, 2000) == "ab");
    CHECK(journal.take_bodies(Selector::any(), 10, 2999).empty());
    CHECK(journal.take_bodies(Selector::any(), 10, 3000) == "c");
}

TEST_CASE("a message that is due at once is, whatever the clock says") {
    ScratchJournal journal;
    journal.put(message(1, "a"));
    journal.put(message(1, "b", -5));
    CHECK(journal.take_bodies(Selector::any(), 10, 0) == "ab");
}

TEST_CASE("who has waited longest comes first, since it was accepted or since it was due") {
    ScratchJournal journal;
    journal.put(message(1, "b"));
    const std::int64_t accepted = journal.entries().at(0).accepted_ms;
    journal.put(message(1, "a", accepted - 1000));
    journal.put(message(1, "c", accepted + 3'600'000));
    CHECK(journal.take_bodies() == "abc");
}

TEST_CASE("neither the backlog nor what became due keeps the other from its turn") {
    ScratchJournal journal;
    for (int i = 0; i < 100; ++i)
        journal.put(message(1, "."));
    const std::int64_t last = journal.entries().back().accepted_ms;
    for (int i = 0; i < 100; ++i)
        journal.put(message(1, "t", last + 1));
    CHECK(journal.take_bodies(Selector::any(), 100) == std::string(100, '.'));
    for (int i = 0; i < 100; ++i)
        journal.put(message(1, "n", last + 2));
    CHECK(journal.take_bodies(Selector::any(), 150) ==
          std::string(100, 't') + std::string(50, 'n'));
}

TEST_CASE("the four forms of a selector are msgrcv's") {
    struct Row {
        Selector types;
        std::string taken;
    };
    const Row rows[] = {
        {Selector::any(), "9a5b9c2d5e"},
        {Selector::only(5), "5b5e"},
        {Selector::only(4), ""},
        {Selector::up_to(5), "2d5b5e"},
        {Selector::up_to(1), ""},
        {Selector::up_to(std::numeric_limits<std::int64_t>::max()), "2d5b5e9a9c"},
        {Selector::except(5), "9a9c2d"},
        {Selector::except(4), "9a5b9c2d5e"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.types.text());
        ScratchJournal journal;
        for (const auto& [type, body] :
             {std::pair{9, "9a"}, {5, "5b"}, {9, "9c"}, {2, "2d"}, {5, "5e"}})
            journal.put(message(type, body));
        CHECK(journal.take_bodies(row.types) == row.taken);
        CHECK(journal.take_bodies(row.types).empty());
    }
}

TEST_CASE("up_to takes the lowest type that is due, and no more than the limit in all") {
    ScratchJournal journal;
    journal.put(message(1, "later", much_later + 1));
    for (const char* body : {"3", "2", "3", "2"})
        journal.put(message(body[0] - '0', body));
    CHECK(journal.take_bodies(Selector::up_to(3), 3) == "223");
    CHECK(journal.take_bodies(Selector::up_to(3), 3) == "3");
}

TEST_CASE("every form keeps the order of due times") {
    for (const Selector& types :
         {Selector::any(), Selector::only(1), Selector::up_to(1), Selector::except(2)}) {
        CAPTURE(types.text());
        ScratchJournal journal;
        journal.put(message(1, "c", 3000));
        journal.put(message(2, "x", 1));
        journal.put(message(1, "a", 1000));
        journal.put(message(1, "b", 2000));
        if (types == Selector::any()) {
            CHECK(journal.take_bodies(types, 10, 2000) == "xab");
        } else {
            CHECK(journal.take_bodies(types, 10, 2000) == "ab");
        }
    }
}

TEST_CASE("queues know nothing of each other") {
    ScratchJournal journal;
    journal.put(message(1, "a"), "jobs");
    journal.put(message(1, "b"), "other");
    CHECK(journal.take_bodies() == "a");
    CHECK(journal.next_due("jobs", Selector::any()) == std::nullopt);
    CHECK(journal.next_due("other", Selector::any()) == 0);
    CHECK(journal.next_due("none", Selector::any()) == std::nullopt);
}

TEST_CASE("next_due tells when, for every form, with the index of types and without") {
    for (const bool indexed : {false, true}) {
        CAPTURE(indexed);
        ScratchJournal journal;
        if (indexed) journal.take(Selector::only(1));
        journal.put(message(9, "x", 100));
        journal.put(message(3, "x", 300));
        journal.put(message(2, "x", 400));
        journal.put(dead(2, "x", "why"));
        const auto next = [&](const Selector& types) { return journal.next_due("jobs", types); };
        CHECK(next(Selector::any()) == 100);
        CHECK(next(Selector::only(2)) == 400);
        CHECK(next(Selector::only(4)) == std::nullopt);
        CHECK(next(Selector::up_to(3)) == 300);
        CHECK(next(Selector::up_to(1)) == std::nullopt);
        CHECK(next(Selector::except(9)) == 300);
        CHECK(next(Selector::except(7)) == 100);
        journal.put(message(2, "x"));
        CHECK(next(Selector::any()) == 0);
        CHECK(next(Selector::up_to(3)) == 0);
    }
}

TEST_CASE("expired messages are given out too: whoever takes them counts them") {
    ScratchJournal journal;
    NewMessage expired = message(1, "x");
    expired.expires_ms = 1000;
    journal.put(expired);
    CHECK(journal.take(Selector::any(), 10, 2000).size() == 1);
}

TEST_CASE("a claim takes what it was asked for, and nothing that lies between") {
    ScratchJournal journal;
    for (const std::int64_t type : {1, 1, 2, 1, 2, 2, 2, 1})
        journal.put(message(type, std::to_string(type)));
    journal.put(message(2, "later"), "others");
    journal.put(message(2, "2"));
    CHECK(journal.take_bodies(Selector::only(2)) == "22222");
    CHECK(journal.take_bodies(Selector::only(2)).empty());
    CHECK(journal.take_bodies(Selector::except(2)) == "1111");
    JournalFilter ready;
    ready.states = {JournalState::ready};
    CHECK(journal.bodies(ready) == "later");
}

TEST_CASE("one claim does not fill the memory with long bodies") {
    ScratchJournal journal;
    for (int i = 0; i < 8; ++i)
        journal.put(message(1, std::string(1 << 20, 'x')));
    std::size_t claims = 0, messages = 0;
    while (messages < 8) {
        messages += journal.take().size();
        ++claims;
    }
    CHECK(claims == 2);
    CHECK(messages == 8);
}

TEST_CASE("when a claim is rolled back, the messages are due as before") {
    ScratchJournal journal;
    journal.put(message(1, "a"));
    struct Stop {};
    for (const Selector& types : {Selector::any(), Selector::only(1)}) {
        CHECK_THROWS_AS(journal.transact(Survives::kill,
                                         [&] {
                                             journal.claim(journal.queue_number("jobs"), types,
                                                           slot, 1, 10,
                                                           [](const DueMessage&) { throw Stop{}; });
                                         }),
                        Stop);
    }
    CHECK(journal.take_bodies(Selector::only(1)) == "a");
}

}  // TEST_SUITE("claim")
