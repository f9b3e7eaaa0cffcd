// What people see of the journal.
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <limits>

TEST_SUITE("look") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::int64_t now = 1'000'000;

// Of each state one in queue "jobs", and a dead one in "other".
struct OneOfEach {
    ScratchJournal journal;
    OneOfEach() {
        journal.put(message(1, "[running]"));
        journal.take();
        journal.put(dead(2, "[dead]", "the reason"));
        journal.put(message(3, "[delayed]", now + 1));
        journal.put(message(4, "[ready]"));
        journal.put(message(4, "[due]", now));
        journal.put(dead(2, "[other]", "another"), "other");
    }
    std::string bodies(const JournalFilter& filter) { return journal.bodies(filter, now); }
};

JournalFilter in_state(JournalState state) {
    JournalFilter filter;
    filter.states = {state};
    return filter;
}

}  // namespace

TEST_CASE("an empty filter shows everything, state by state") {
    OneOfEach all;
    CHECK(all.bodies({}) == "[running][ready][due][delayed][dead][other]");
}

TEST_CASE("filters by state, also several") {
    OneOfEach all;
    CHECK(all.bodies(in_state(JournalState::running)) == "[running]");
    CHECK(all.bodies(in_state(JournalState::ready)) == "[ready][due]");
    CHECK(all.bodies(in_state(JournalState::delayed)) == "[delayed]");
    CHECK(all.bodies(in_state(JournalState::dead)) == "[dead][other]");
    JournalFilter two;
    two.states = {JournalState::dead, JournalState::running};
    CHECK(all.bodies(two) == "[running][dead][other]");
}

TEST_CASE("filters by queue, type and number, which must all be met") {
    OneOfEach all;
    JournalFilter filter;
    filter.queue = "other";
    CHECK(all.bodies(filter) == "[other]");
    filter.queue = "none";
    CHECK(all.bodies(filter).empty());
    filter.queue.reset();
    filter.type = 2;
    CHECK(all.bodies(filter) == "[dead][other]");
    filter.rows = {6, 2, 1, 99};
    CHECK(all.bodies(filter) == "[dead][other]");
    filter.queue = "jobs";
    CHECK(all.bodies(filter) == "[dead]");
    filter = {};
    filter.rows = {4, 1, 3};
    CHECK(all.bodies(filter) == "[running][delayed][ready]");  // as they were accepted
    filter.states = {JournalState::ready, JournalState::dead};
    CHECK(all.bodies(filter) == "[ready]");
    filter.states = {JournalState::delayed};
    CHECK(all.bodies(filter) == "[delayed]");
}

TEST_CASE("match is any bytes, in the body or in the reason") {
    using namespace std::string_literals;
    OneOfEach all;
    all.journal.put(message(9, "\0%_\xff"s));
    JournalFilter filter;
    const std::pair<std::string, std::string> rows[] = {
        {"de", "[delayed][dead]"},
        {"reason", "[dead]"},
        {"READY", ""},
        {"%", "\0%_\xff"s},
        {"\0%_\xff"s, "\0%_\xff"s},
        {"\xff\xff", ""},
        {"an", "[other]"},
        {"", "[running][ready]\0%_\xff[due][delayed][dead][other]"s},
    };
    for (const auto& [match, found] : rows) {
        CAPTURE(match);
        filter.match = match;
        CHECK(all.bodies(filter) == found);
    }
}

TEST_CASE("since is when a message died, or was accepted") {
    ScratchJournal journal;
    journal.put(message(1, "[waits]"));
    journal.put(dead(1, "[dead]", "why"));
    const auto entries = journal.entries();
    const std::int64_t accepted = entries.at(0).accepted_ms;
    const std::int64_t died = entries.at(1).died_ms.value();
    JournalFilter filter;
    filter.since_ms = accepted;
    CHECK(journal.bodies(filter) == "[waits][dead]");
    filter.since_ms = died + 1;
    CHECK(journal.bodies(filter).empty());
    filter.rows = {1, 2};
    CHECK(journal.bodies(filter).empty());
    filter.since_ms = died;
    filter.states = {JournalState::dead};
    CHECK(journal.bodies(filter) == "[dead]");
}

TEST_CASE("the limit ends a listing, over all states and queues") {
    OneOfEach all;
    JournalFilter filter;
    filter.limit = 0;
    CHECK(all.bodies(filter).empty());
    filter.limit = 3;
    CHECK(all.bodies(filter) == "[running][ready][due]");
    filter.limit = std::numeric_limits<std::uint64_t>::max();
    CHECK(all.bodies(filter) == "[running][ready][due][delayed][dead][other]");
}

TEST_CASE("a long listing shows each message once, in order") {
    ScratchJournal journal;
    constexpr int count = 1000;
    journal.transact(Survives::kill, [&] {
        const std::int64_t queue = journal.queue_number("jobs");
        for (int i = 0; i < count; ++i) {
            journal.insert(queue, message(1, "x"));
            journal.insert(queue, message(2, "x", 500));  // all due in the same moment
            journal.insert(queue, dead(3, "x", "why"));
        }
    });
    std::int64_t last_row = 0, last_type = 0;
    int seen = 0;
    journal.list({}, now, [&](const JournalEntry& entry) {
        if (entry.type != last_type) last_row = 0;
        CHECK(entry.type >= last_type);
        CHECK(entry.row > last_row);
        last_row = entry.row;
        last_type = entry.type;
        ++seen;
    });
    CHECK(seen == 3 * count);
    JournalFilter filter;
    filter.limit = 300;
    CHECK(journal.entries(filter).size() == 300);
}

TEST_CASE("while somebody looks at an entry, the journal is free: it can even be changed") {
    ScratchJournal journal;
    for (int i = 0; i < 600; ++i)
        journal.put(dead(1, std::string(5000, 'x'), "why"));
    std::size_t seen = 0;
    journal.list({}, now, [&](const JournalEntry& entry) {
        ++seen;
        JournalFilter one;
        one.rows = {entry.row};
        CHECK(journal.drop(one, much_later) == 1);
    });
    CHECK(seen == 600);
    CHECK(journal.entries().empty());
}

TEST_CASE("find shows one message with all that is known of it") {
    OneOfEach all;
    const JournalEntry entry = all.journal.find(2, now).value();
    CHECK(entry.row == 2);
    CHECK(entry.queue == "jobs");
    CHECK(entry.type == 2);
    CHECK(entry.state == JournalState::dead);
    CHECK(entry.reason == "the reason");
    CHECK(text(entry.body) == "[dead]");
    CHECK(all.journal.find(3, now).value().state == JournalState::delayed);
    CHECK(all.journal.find(3, now + 1).value().state == JournalState::ready);
    CHECK_FALSE(all.journal.find(99, now).has_value());
}

TEST_CASE("counts are by queue and type, in their order") {
    OneOfEach all;
    const auto counts = all.journal.counts(now);
    REQUIRE(counts.size() == 5);
    std::string places;
    for (const auto& of_type : counts)
        places += of_type.queue + "/" + std::to_string(of_type.type) + " ";
    CHECK(places == "jobs/1 jobs/2 jobs/3 jobs/4 other/2 ");
    CHECK(counts[0].counts.running == 1);
    CHECK(counts[1].counts.dead == 1);
    CHECK(counts[2].counts.delayed == 1);
    CHECK(counts[2].counts.ready == 0);
    CHECK(counts[3].counts.ready == 2);
    CHECK(counts[4].counts.dead == 1);
    CHECK(all.journal.counts(now + 1).at(2).counts.ready == 1);
}

}  // TEST_SUITE("look")
