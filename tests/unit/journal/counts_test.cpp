// Counts are kept, and are what counting would find.
#include "journal/sqlite.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <array>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

TEST_SUITE("counts") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::int64_t now = 1'000'000;

std::string text_of(std::int64_t type, const JournalCounts& counts) {
    std::string text = std::to_string(type) + ':';
    for (const std::uint64_t count : {counts.ready, counts.delayed, counts.running, counts.dead})
        text += ' ' + std::to_string(count);
    return text + '\n';
}

std::string kept(Journal& journal) {
    std::string text;
    for (const auto& of_type : journal.counts(now)) {
        const JournalCounts& counts = of_type.counts;
        if (counts.ready + counts.delayed + counts.running + counts.dead == 0) continue;
        text += of_type.queue + ' ' + text_of(of_type.type, counts);
    }
    return text;
}

std::string counted(ScratchJournal& journal) {
    std::map<std::pair<std::string, std::int64_t>, std::map<JournalState, std::uint64_t>> sums;
    for (const JournalEntry& entry : journal.entries({}, now))
        ++sums[{entry.queue, entry.type}][entry.state];
    std::string text;
    for (auto& [place, sum] : sums) {
        text += place.first + ' ' +
                text_of(place.second, {sum[JournalState::ready], sum[JournalState::delayed],
                                       sum[JournalState::running], sum[JournalState::dead], 0});
    }
    return text;
}

// One of the things that can become of messages, to some of them.
class Fate {
public:
    Fate(ScratchJournal& journal, unsigned seed) : journal_(journal), random_(seed) {}

    void strike() {
        switch (below(8)) {
        case 0:
        case 1:
            journal_.put(message(1 + below(4), "x", below(2) * (now - 1 + below(3))), queue());
            break;
        case 2:
            journal_.put(dead(1 + below(4), "x", "no"), queue());
            break;
        case 3:
            journal_.take(below(2) == 0 ? Selector::any() : Selector::only(1 + below(4)),
                          static_cast<std::size_t>(below(6)), now, slot, queue());
            break;
        case 4:
            finish();
            break;
        case 5:
            change();
            break;
        case 6:
            below(2) == 0 ? void(journal_.revive(few())) : void(journal_.drop(few(), now));
            break;
        case 7:
            fail();
            break;
        }
    }

private:
    std::int64_t below(unsigned n) { return static_cast<std::int64_t>(random_() % n); }
    std::string queue() { return below(2) == 0 ? "jobs" : "other"; }
    JournalFilter few() {
        JournalFilter filter;
        filter.limit = static_cast<std::uint64_t>(below(3));
        return filter;
    }
    void finish() {
        std::vector<std::int64_t> rows;
        for (std::int64_t row = 1 + below(300), i = 0; i < 20; ++i)
            rows.push_back(row + i);
        journal_.transact(Survives::kill, [&] { journal_.finish(rows); });
    }
    void change() {
        journal_.transact(Survives::kill, [&] {
            for (int i = 0; i < 10; ++i) {
                journal_.release(1 + below(300));
                journal_.defer(1 + below(300), 1, below(2) * now * 2, {});
                journal_.bury(1 + below(300), 2, "no", {});
            }
            if (below(4) == 0) journal_.release_unowned({});
        });
    }
    void fail() {
        CHECK_THROWS(journal_.transact(Survives::kill, [&] {
            journal_.insert(journal_.queue_number("jobs"), message(1, "x"));
            throw std::runtime_error("taken back");
        }));
    }

    ScratchJournal& journal_;
    std::mt19937 random_;
};

std::int64_t rows_of_counts(const ScratchJournal& journal) {
    Database database(journal.file());
    Statement statement(database, "SELECT count(*) FROM count WHERE queue > 0");
    auto rows = statement.rows();
    return rows.next() ? rows.integer(0) : -1;
}

}  // namespace

TEST_CASE("counts are kept: nobody goes through the messages to tell them") {
    ScratchJournal journal;
    for (int i = 0; i < 3; ++i)
        journal.put(message(1, "x"));
    journal.put(message(1, "x", much_later));
    journal.put(dead(1, "x", "no"));
    Database(journal.file()).run("DELETE FROM message");
    const JournalCounts counts = journal.count(1, now);
    CHECK(counts.ready == 3);
    CHECK(counts.delayed == 1);
    CHECK(counts.dead == 1);
}

TEST_CASE("whatever becomes of messages, the counts are what counting finds") {
    ScratchJournal journal;
    Fate fate(journal, 1);
    for (int i = 0; i < 600; ++i) {
        fate.strike();
        if (i % 20 == 0) REQUIRE(kept(journal) == counted(journal));
    }
    CHECK(kept(journal) == counted(journal));
    CHECK(kept(journal).find("jobs 1: ") != std::string::npos);
}

TEST_CASE("whoever is killed, and wherever in a transaction, the counts are right") {
    const TempDir dir;
    for (unsigned life = 0; life < 8; ++life) {
        std::array<int, 2> news{};
        REQUIRE(::pipe(news.data()) == 0);
        const pid_t child = fork_child([&] {
            ScratchJournal journal(dir.path());
            Fate fate(journal, life);
            for (;;) {
                fate.strike();
                if (::write(news[1], "x", 1) != 1) return 1;
            }
        });
        ::close(news[1]);
        char x = 0;
        for (unsigned i = 0; i < 20 + 7 * life; ++i)
            REQUIRE(::read(news[0], &x, 1) == 1);
        ::kill(child, SIGKILL);
        CHECK(myq::test::wait_for(child) == -SIGKILL);
        ::close(news[0]);
        ScratchJournal journal(dir.path());
        CHECK(kept(journal) == counted(journal));
    }
    const pid_t child = fork_child([&] {
        ScratchJournal journal(dir.path());
        journal.transact(Survives::kill, [&] {
            journal.insert(journal.queue_number("jobs"), message(1, "x"));
            journal.finish(1);
            ::raise(SIGKILL);
        });
        return 0;
    });
    CHECK(myq::test::wait_for(child) == -SIGKILL);
    ScratchJournal journal(dir.path());
    CHECK(kept(journal) == counted(journal));
}

TEST_CASE("a type that is no more leaves nothing behind, but for what was dropped") {
    ScratchJournal journal;
    for (std::int64_t type = 1; type <= 50; ++type)
        journal.put(message(type, "x"));
    CHECK(rows_of_counts(journal) == 51);
    journal.take();
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 1; row <= 50; ++row)
        rows.push_back(row);
    journal.transact(Survives::kill, [&] { journal.finish(rows); });
    CHECK(rows_of_counts(journal) == 0);
    journal.put(message(7, "x"));
    CHECK(journal.drop({}, now) == 1);
    CHECK(journal.count(7).dropped == 1);
    CHECK(rows_of_counts(journal) == 2);
}

TEST_CASE("a duplicate is not counted") {
    ScratchJournal journal;
    NewMessage keyed = message(1, "x");
    keyed.unique_key = "key";
    CHECK(journal.put(keyed) == Inserted::yes);
    CHECK(journal.put(keyed) == Inserted::duplicate);
    CHECK(journal.count(1).ready == 1);
}

TEST_CASE("only the wanted types, and the others of their queue together") {
    ScratchJournal journal;
    for (std::int64_t type = 1; type <= 6; ++type)
        journal.put(message(type, "x", type >= 5 ? now + type - 5 : 0));
    journal.put(dead(2, "x", "no"));
    journal.put(dead(3, "x", "no"));
    journal.put(message(1, "x"), "other");
    journal.put(message(1, "x"), "unwanted");
    journal.take(Selector::only(1));
    journal.take(Selector::only(2));
    std::string text;
    for (const auto& of_type :
         journal.counts(now, {{"jobs", {0, 2, 9}}, {"other", {1}}, {"none", {1}}}))
        text += of_type.queue + ' ' + text_of(of_type.type, of_type.counts);
    CHECK(text == "jobs 0: 3 1 1 1\njobs 2: 0 0 1 1\nother 1: 1 0 0 0\n");
}

TEST_CASE("of very many whose time has come the rest counts as delayed") {
    ScratchJournal journal;
    journal.transact(Survives::kill, [&] {
        const std::int64_t queue = journal.queue_number("jobs");
        for (int i = 0; i < most_due_counted + 5; ++i)
            journal.insert(queue, message(1, "x", now));
    });
    const JournalCounts counts = journal.count(1, now);
    CHECK(counts.ready == most_due_counted);
    CHECK(counts.delayed == 5);
}

}  // TEST_SUITE("counts")
