// What people do with the dead.
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

TEST_SUITE("dead") {

using namespace myq;
using namespace myq::test;

namespace {

struct ManyDead {
    ScratchJournal journal;
    ManyDead() {
        journal.put(dead(1, "a", "no handler"));
        journal.put(dead(2, "b", "killed by SIGSEGV"));
        journal.put(dead(2, "c", "killed by SIGSEGV"));
        journal.put(dead(2, "d", "no handler"), "other");
        journal.put(message(2, "alive"));
    }
};

JournalFilter of_type(std::int64_t type) {
    JournalFilter filter;
    filter.type = type;
    return filter;
}

// Each filter, and whom of ManyDead it meets.
std::vector<std::pair<JournalFilter, std::string>> filters() {
    std::vector<std::pair<JournalFilter, std::string>> rows;
    rows.push_back({{}, "abcd"});
    rows.push_back({of_type(2), "bcd"});
    JournalFilter filter = of_type(2);
    filter.queue = "jobs";
    rows.push_back({filter, "bc"});
    filter.limit = 1;
    rows.push_back({filter, "b"});
    filter = {};
    filter.match = "SIGSEGV";
    rows.push_back({filter, "bc"});
    filter = {};
    filter.rows = {5, 3, 1};
    rows.push_back({filter, "ac"});
    filter.states = {JournalState::dead};
    rows.push_back({filter, "ac"});
    filter = {};
    filter.states = {JournalState::ready, JournalState::running};
    rows.push_back({filter, ""});
    filter = {};
    filter.queue = "none";
    rows.push_back({filter, ""});
    filter = {};
    filter.since_ms = much_later;
    rows.push_back({filter, ""});
    return rows;
}

}  // namespace

TEST_CASE("drop ends exactly the dead that its filter meets, and counts them") {
    int number = 0;
    for (const auto& [filter, met] : filters()) {
        CAPTURE(number++);
        ManyDead many;
        if (filter.states.contains(JournalState::ready)) continue;
        JournalFilter meant = filter;
        meant.states = {JournalState::dead};
        CHECK(many.journal.drop(meant, much_later) == met.size());
        std::string left = "abcd";
        for (const char gone : met)
            left.erase(left.find(gone), 1);
        CHECK(many.journal.bodies(all_dead()) == left);
        CHECK(many.journal.take_bodies() == "alive");
        std::uint64_t dropped = 0;
        for (const auto& of_type : many.journal.counts(0))
            dropped += of_type.counts.dropped;
        CHECK(dropped == met.size());
    }
}

TEST_CASE("revive lets exactly the dead begin anew that its filter meets") {
    int number = 0;
    for (const auto& [filter, met] : filters()) {
        CAPTURE(number++);
        ManyDead many;
        const auto result = many.journal.revive(filter);
        CHECK(result.revived == met.size());
        CHECK(result.blocked == 0);
        std::string alive;
        for (const std::string queue : {"jobs", "other"}) {
            for (const auto& taken :
                 many.journal.take(Selector::any(), 10, much_later, slot, queue))
                if (taken.body != "alive") alive += taken.body;
        }
        CHECK(alive == met);
    }
}

TEST_CASE("a revived message has no attempt so far, is due at once, and keeps its history") {
    ScratchJournal journal;
    journal.put(message(1, "x", 700));
    const std::int64_t row = journal.take().at(0).row;
    const Attempt first{1, 100, "exit 1"};
    journal.transact(Survives::kill, [&] { journal.bury(row, 1, "1 attempt", {&first, 1}); });

    CHECK(journal.revive({}).revived == 1);
    const JournalEntry alive = journal.find(row, 0).value();
    CHECK(alive.state == JournalState::ready);
    CHECK(alive.due_ms == 0);
    CHECK(alive.attempts == 0);
    CHECK(alive.reason.empty());
    CHECK_FALSE(alive.died_ms.has_value());
    CHECK(alive.history.size() == 1);

    CHECK(journal.take(Selector::any(), 10, 0).size() == 1);
    const Attempt again{1, 900, "exit 2"};
    journal.transact(Survives::kill, [&] { journal.bury(row, 1, "1 attempt", {&again, 1}); });
    const auto history = journal.find(row, 0).value().history;
    REQUIRE(history.size() == 2);
    CHECK(history[0].cause == "exit 1");
    CHECK(history[1].cause == "exit 2");
}

TEST_CASE("what is dropped takes its history with it") {
    ScratchJournal journal;
    NewMessage in = dead(1, "x", "why");
    const Attempt attempt{1, 1, "no"};
    in.history = {&attempt, 1};
    journal.put(in);
    CHECK(journal.drop(all_dead(), much_later) == 1);
    CHECK_FALSE(journal.find(1, 0).has_value());
    CHECK(journal.count(1).dropped == 1);
    journal.put(dead(1, "y", "why"));
    journal.drop(all_dead(), much_later);
    CHECK(journal.count(1).dropped == 2);
}

TEST_CASE("thousands are revived and dropped in steps, each message once, up to the limit") {
    ScratchJournal journal;
    constexpr std::uint64_t count = 2500;
    journal.transact(Survives::kill, [&] {
        const std::int64_t queue = journal.queue_number("jobs");
        for (std::uint64_t i = 0; i < count; ++i) {
            NewMessage one = dead(1, "x", "why");
            one.unique_key = i % 5 == 0 ? "same" : "";
            journal.insert(queue, one);
        }
    });
    JournalFilter filter;
    filter.limit = 1200;
    const auto some = journal.revive(filter);
    CHECK(some.revived == 1200);
    const auto rest = journal.revive({});
    CHECK(rest.revived + some.revived == count / 5 * 4 + 1);
    CHECK(rest.blocked == count / 5 - 1);
    CHECK(journal.count(1).dead == count / 5 - 1);
    filter.limit = 100;
    filter.states = {JournalState::dead};
    CHECK(journal.drop(filter, much_later) == 100);
    CHECK(journal.drop(all_dead(), much_later) == count / 5 - 101);
    CHECK(journal.count(1).dead == 0);
}

TEST_CASE("what waits is dropped by its state, and what runs stays") {
    ScratchJournal journal;
    constexpr std::int64_t now = 1'000'000;
    journal.put(message(1, "delayed", now + 1));
    journal.put(message(1, "running"));
    REQUIRE(journal.take_bodies(Selector::any(), 1, now) == "running");
    journal.put(message(1, "ready"));
    journal.put(message(1, "theirs", now + 1), "others");
    journal.put(dead(1, "dead", "why"));
    JournalFilter filter;
    filter.queue = "jobs";
    filter.states = {JournalState::delayed};
    CHECK(journal.drop(filter, now) == 1);
    CHECK(journal.bodies({}, now) == "runningreadytheirsdead");
    filter.states = {JournalState::delayed, JournalState::ready};
    CHECK(journal.drop(filter, now) == 1);
    CHECK(journal.bodies({}, now) == "runningtheirsdead");
    filter.states = {};
    CHECK(journal.drop(filter, now) == 1);
    CHECK(journal.bodies({}, now) == "runningtheirs");
    CHECK(journal.count(1).dropped == 3);
}

}  // TEST_SUITE("dead")
