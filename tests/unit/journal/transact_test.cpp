#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

TEST_SUITE("transact") {

using namespace myq;
using namespace myq::test;

namespace {

struct Stop {};

}  // namespace

TEST_CASE("a transaction that ends is there, one that throws never was") {
    ScratchJournal journal;
    journal.transact(Survives::power_cut, [&] {
        const std::int64_t queue = journal.queue_number("jobs");
        journal.insert(queue, message(1, "a"));
        journal.insert(queue, message(1, "b"));
    });
    const auto fails = [&] {
        journal.insert(journal.queue_number("other"), message(1, "c"));
        throw Stop{};
    };
    CHECK_THROWS_AS(journal.transact(Survives::power_cut, fails), Stop);
    Journal another(journal.directory(), {}, false);
    CHECK(another.counts(0).size() == 1);
    CHECK(another.counts(0).at(0).counts.ready == 2);
    journal.put(message(1, "d"));
    CHECK(journal.bodies() == "abd");
}

TEST_CASE("a transaction inside another is a mistake, and ends both") {
    ScratchJournal journal;
    const auto inner = [&] { journal.transact(Survives::kill, [] {}); };
    const auto outer = [&] {
        journal.insert(journal.queue_number("jobs"), message(1, "x"));
        inner();
    };
    CHECK_THROWS_AS(journal.transact(Survives::kill, outer), std::logic_error);
    CHECK(journal.entries().empty());
    journal.put(dead(1, "x", "why"));
    CHECK_THROWS_AS(journal.transact(Survives::kill, [&] { journal.drop(all_dead(), much_later); }),
                    std::logic_error);
    CHECK(journal.entries().size() == 1);
    CHECK(journal.put(message(1, "y")) == Inserted::yes);
}

TEST_CASE("what belongs inside a transaction does nothing outside") {
    ScratchJournal journal;
    journal.put(message(1, "x"));
    const auto take = [](const DueMessage&) {};
    const std::vector<std::function<void()>> calls = {
        [&] { journal.queue_number("jobs"); },
        [&] {
            journal.is_repeated({1, 1});
        },
        [&] { journal.insert(1, message(1, "x")); },
        [&] { journal.claim(1, Selector::any(), slot, 1, 1, take); },
        [&] { journal.claimed(slot); },
        [&] { journal.finish(1); },
        [&] { journal.release(1); },
        [&] { journal.defer(1, 1, 1, {}); },
        [&] { journal.bury(1, 1, "why", {}); },
        [&] { journal.release_unowned({}); },
    };
    for (const auto& call : calls)
        CHECK_THROWS_AS(call(), std::logic_error);
    CHECK(journal.take().at(0).row == 1);
}

TEST_CASE("a queue keeps its number, and its name may be any text") {
    ScratchJournal journal;
    std::int64_t jobs = 0, other = 0;
    journal.transact(Survives::kill, [&] {
        jobs = journal.queue_number("jobs");
        other = journal.queue_number("it's \"other\"");
        CHECK(jobs != other);
        CHECK(journal.queue_number("jobs") == jobs);
    });
    journal.transact(Survives::kill, [&] {
        CHECK(journal.queue_number("it's \"other\"") == other);
        journal.insert(other, message(1, "x"));
    });
    CHECK(journal.entries().at(0).queue == "it's \"other\"");
}

TEST_CASE("two connections see each other's transactions, one after the other") {
    ScratchJournal journal;
    Journal another(journal.directory(), {}, false);
    journal.put(message(1, "a"));
    another.transact(Survives::kill, [&] {
        another.insert(another.queue_number("jobs"), message(1, "b"));
        CHECK(journal.bodies() == "a");  // readers do not wait, and see what is committed
    });
    CHECK(journal.bodies() == "ab");
}

TEST_CASE("200 000 messages go in, are claimed, tried again, die and are counted") {
    ScratchJournal journal;
    constexpr std::uint64_t count = 200'000;
    for (std::uint64_t done = 0; done < count; done += 1000) {
        journal.transact(Survives::kill, [&] {
            const std::int64_t queue = journal.queue_number("jobs");
            for (int i = 0; i < 1000; ++i)
                journal.insert(queue, message(1 + i % 2, "0123456789"));
        });
    }
    CHECK(journal.count(1).ready == count / 2);
    CHECK(journal.next_due("jobs", Selector::except(1)) == 0);

    std::uint64_t seen = 0;
    while (true) {
        const auto taken = journal.take(Selector::any(), 500);
        if (taken.empty()) break;
        journal.transact(Survives::kill, [&] {
            for (const auto& message : taken) {
                if (++seen % 10 == 0)
                    journal.bury(message.row, 1, "why", {});
                else
                    journal.finish(message.row);
            }
        });
    }
    CHECK(seen == count);
    CHECK(journal.count(1).dead + journal.count(2).dead == count / 10);
    JournalFilter first;
    first.limit = 20;
    CHECK(journal.entries(first).size() == 20);
    CHECK(journal.drop(all_dead(), much_later) == count / 10);
    CHECK(journal.count(1).dropped + journal.count(2).dropped == count / 10);
    CHECK(journal.check().empty());
}

}  // TEST_SUITE("transact")
