// What a message has beside what every message has: a caller, an autopsy. And files of before.
#include "journal/sqlite.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

TEST_SUITE("columns") {

using namespace myq;
using namespace myq::test;

namespace {

const ReplyAddress caller{2147483647, 9'223'372'036'854'775'807, 18'446'744'073'709'551'615ULL};

void is_caller(const std::optional<ReplyAddress>& address) {
    REQUIRE(address);
    CHECK(address->queue_id == caller.queue_id);
    CHECK(address->token == caller.token);
    CHECK(address->sequence == caller.sequence);
}

// The tables of format 1 as they were first made, with messages in them.
constexpr const char* first_tables = R"(
CREATE TABLE queue(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE message(
    id INTEGER PRIMARY KEY,
    queue INT NOT NULL,
    type INT NOT NULL,
    state INT NOT NULL,
    due INT NOT NULL,
    accepted INT NOT NULL,
    expires INT,
    attempts INT NOT NULL,
    owner INT NOT NULL,
    uid BLOB,
    unique_key BLOB,
    died INT,
    reason TEXT,
    body BLOB NOT NULL) STRICT;
CREATE INDEX waiting ON message(queue, due, id, type) WHERE state = 0;
CREATE INDEX running ON message(queue, type, owner) WHERE state = 1;
CREATE INDEX dead ON message(died, id, queue, type) WHERE state = 2;
CREATE UNIQUE INDEX live_key ON message(queue, unique_key)
    WHERE unique_key IS NOT NULL AND state <> 2;
CREATE TABLE attempt(
    message INT NOT NULL,
    sequence INT NOT NULL,
    number INT NOT NULL,
    at INT NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY(message, sequence)) STRICT, WITHOUT ROWID;
CREATE TABLE ticket(slot INTEGER PRIMARY KEY, sequence INT NOT NULL) STRICT;
CREATE TABLE tally(
    queue INT NOT NULL,
    type INT NOT NULL,
    dropped INT NOT NULL,
    PRIMARY KEY(queue, type)) STRICT, WITHOUT ROWID;
CREATE TABLE next(id INT NOT NULL) STRICT;
INSERT INTO next VALUES(1);

INSERT INTO queue VALUES(1, 'jobs');
INSERT INTO message VALUES(1, 1, 7, 0, 0, 5, NULL, 2, -9223372036854775808, NULL, NULL, NULL, NULL,
    x'6f6c64');
INSERT INTO message VALUES
    (2, 1, 7, 0, 8, 5, NULL, 2, -9223372036854775808, NULL, x'6b', NULL, NULL, x'00'),
    (3, 1, 7, 0, 9, 5, NULL, 2, -9223372036854775808, NULL, NULL, NULL, NULL, x'00'),
    (4, 1, 7, 1, 3, 5, NULL, 2, 99, NULL, NULL, NULL, NULL, x'00'),
    (5, 1, 8, 2, 0, 5, NULL, 2, -9223372036854775808, NULL, NULL, 6, 'no', x'00');
UPDATE next SET id = 6;
INSERT INTO tally VALUES(1, 8, 20);
PRAGMA application_id = 1836675434;
PRAGMA user_version = 1;
)";

}  // namespace

TEST_CASE("the caller of a message is known until it is over, however often it is tried") {
    ScratchJournal journal;
    NewMessage called = message(1, "called");
    called.reply = caller;
    journal.put(called);
    journal.put(message(1, "sent"));
    auto taken = journal.take();
    REQUIRE(taken.size() == 2);
    is_caller(taken[0].reply);
    CHECK(!taken[1].reply);
    journal.transact(Survives::kill, [&] { journal.defer(taken[0].row, 1, 0, {}); });
    taken = journal.take();
    REQUIRE(taken.size() == 1);
    is_caller(taken[0].reply);
    journal.transact(Survives::kill, [&] { journal.bury(taken[0].row, 2, "no", {}); });
    JournalFilter dead_ones;
    dead_ones.states = {JournalState::dead};
    CHECK(journal.revive(dead_ones).revived == 1);
    taken = journal.take();
    REQUIRE(taken.size() == 1);
    is_caller(taken[0].reply);
}

TEST_CASE("an autopsy stays with its message until there is a newer one") {
    ScratchJournal journal;
    NewMessage crashed = message(1, "x");
    crashed.autopsy = "first";
    journal.put(crashed);
    const auto autopsy = [&] { return journal.find(1, 0).value().autopsy; };
    CHECK(autopsy() == "first");
    REQUIRE(journal.take().size() == 1);
    journal.transact(Survives::kill, [&] { journal.defer(1, 1, 0, {}); });
    CHECK(autopsy() == "first");
    REQUIRE(journal.take().size() == 1);
    journal.transact(Survives::kill, [&] { journal.defer(1, 2, 0, {}, "second"); });
    CHECK(autopsy() == "second");
    REQUIRE(journal.take().size() == 1);
    journal.transact(Survives::kill, [&] { journal.bury(1, 3, "dead", {}, "third"); });
    CHECK(autopsy() == "third");
    journal.put(message(1, "y"));
    CHECK(journal.find(2, 0).value().autopsy == "");
}

TEST_CASE("a journal of before gets what came later, and keeps what is in it") {
    const TempDir dir;
    write_file(dir.path() / "journal.db", "");
    REQUIRE(::chmod((dir.path() / "journal.db").c_str(), 0600) == 0);
    Database(dir.path() / "journal.db").run(first_tables);
    const JournalLimits limits{.max_size = 1U << 30U, .min_free = 0};
    // An older daemon may be at work, which keeps no counts.
    CHECK_THROWS_WITH_AS(Journal(dir.path(), limits, false),
                         ((dir.path() / "journal.db").string() +
                          ": has the format of an older myq, until the myqd of this one has "
                          "started: restart it")
                             .c_str(),
                         JournalError);
    for (const bool by_daemon : {true, false}) {
        Journal journal(dir.path(), limits, by_daemon);
        const auto entry = journal.find(1, 0);
        REQUIRE(entry);
        CHECK(text(entry->body) == "old");
        CHECK(entry->attempts == 2);
        CHECK(entry->autopsy == "");
        CHECK(journal.check() == "");
        const auto counts = journal.counts(8);
        REQUIRE(counts.size() == 2);
        CHECK(counts[0].type == 7);
        CHECK(counts[0].counts.ready == 2);
        CHECK(counts[0].counts.delayed == 1);
        CHECK(counts[0].counts.running == 1);
        CHECK(counts[1].type == 8);
        CHECK(counts[1].counts.dead == 1);
        CHECK(counts[1].counts.dropped == 20);
    }
    Journal journal(dir.path(), limits, false);
    journal.transact(Survives::kill, [&] {
        NewMessage called = message(7, "new");
        called.reply = caller;
        journal.insert(1, called);
        std::vector<std::optional<ReplyAddress>> callers;
        CHECK(journal.claim(1, Selector::any(), slot, much_later, 10,
                            [&](const DueMessage& due) { callers.push_back(due.reply); }) == 4);
        REQUIRE(callers.size() == 4);
        CHECK(!callers[0]);
        is_caller(callers[3]);
    });
}

}  // TEST_SUITE("columns")
