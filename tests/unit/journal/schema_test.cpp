// A journal whose tables and indexes are not as they must be: mended at open, or refused, and no
// message is lost over it.
#include "journal/sqlite.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

TEST_SUITE("schema") {

using namespace myq;
using namespace myq::test;

namespace {

const JournalLimits any_disk{.max_size = 1U << 30U, .min_free = 0};

// A closed journal with one message that waits and one that is dead, then treated with `sql`.
class Treated {
public:
    explicit Treated(const std::string& sql) {
        {
            Journal journal(dir_.path(), any_disk, true);
            journal.transact(Survives::kill, [&] {
                journal.insert(journal.queue_number("jobs"), message(1, "waits"));
                journal.insert(journal.queue_number("jobs"), dead(1, "dead", "why"));
            });
        }
        treat(sql);
    }

    void treat(const std::string& sql) const { Database(file()).run(sql); }
    std::filesystem::path file() const { return dir_.path() / "journal.db"; }
    Journal open() const { return {dir_.path(), any_disk, false}; }

    std::string refusal() const {
        try {
            const Journal journal = open();
        } catch (const JournalError& error) {
            CHECK(error.kind() == JournalError::Kind::corrupt);
            return error.what();
        }
        return "it was opened";
    }

private:
    TempDir dir_;
};

Inserted put(Journal& journal, const NewMessage& message) {
    Inserted inserted{};
    journal.transact(Survives::kill,
                     [&] { inserted = journal.insert(journal.queue_number("jobs"), message); });
    return inserted;
}

std::size_t take_all(Journal& journal) {
    std::size_t taken = 0;
    journal.transact(Survives::kill, [&] {
        taken = journal.claim(journal.queue_number("jobs"), Selector::any(), slot, much_later, 100,
                              [](const DueMessage&) {});
    });
    return taken;
}

}  // namespace

TEST_CASE("an index that is missing, or another than it must be, is made again, and it is said") {
    struct Row {
        const char* sql;
        const char* said;
    };
    const Row rows[] = {
        {"DROP INDEX waiting", "the index waiting was missing"},
        {"DROP INDEX running", "the index running was missing"},
        {"DROP INDEX dead", "the index dead was missing"},
        {"DROP INDEX live_key", "the index live_key was missing"},
        {"DROP INDEX waiting; CREATE INDEX waiting ON message(queue)",
         "the index waiting was another"},
        {"DROP INDEX live_key; CREATE INDEX live_key ON message(queue, unique_key)",
         "the index live_key was another"},
        // It would have the second message of a type taken for a duplicate.
        {"CREATE UNIQUE INDEX theirs ON message(queue, state, type)",
         "the index \"theirs\" is none of the journal's"},
        {"CREATE INDEX by_type ON message(queue)", "the index by_type was another"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.sql);
        const Treated treated(row.sql);
        {
            Journal journal = treated.open();
            CHECK(journal.mended().starts_with(treated.file().string() + ": " + row.said));
            CHECK(put(journal, message(1, "another")) == Inserted::yes);
            NewMessage only_once = message(1, "once");
            only_once.unique_key = "key";
            CHECK(put(journal, only_once) == Inserted::yes);
            CHECK(put(journal, only_once) == Inserted::duplicate);
            CHECK(take_all(journal) == 3);
            CHECK(journal.check() == "");
        }
        CHECK(treated.open().mended() == "");
    }
}

TEST_CASE("a journal that is as it must be is not mended, with the index for types neither") {
    const Treated untreated("SELECT 1");
    {
        Journal journal = untreated.open();
        CHECK(journal.mended() == "");
        journal.transact(Survives::kill, [&] {
            journal.claim(journal.queue_number("jobs"), Selector::only(1), slot, much_later, 1,
                          [](const DueMessage&) {});
        });
    }
    CHECK(untreated.open().mended() == "");
}

TEST_CASE("the number of the next row is put right where it would meet a row that is there") {
    for (const char* sql :
         {"UPDATE count SET next = 1 WHERE queue = 0", "DELETE FROM count",
          "UPDATE count SET next = -7 WHERE queue = 0", "UPDATE count SET next = NULL"}) {
        CAPTURE(sql);
        const Treated treated(sql);
        Journal journal = treated.open();
        CHECK(journal.mended() ==
              treated.file().string() + ": the number of the next row was wrong; it is put right");
        CHECK(put(journal, message(1, "another")) == Inserted::yes);
        CHECK(take_all(journal) == 2);
        CHECK(treated.open().mended() == "");
    }
}

TEST_CASE("a row that is in the way of a new one, in a journal in use, is no duplicate") {
    const Treated treated("SELECT 1");
    Journal journal = treated.open();
    treated.treat("UPDATE count SET next = 1 WHERE queue = 0");
    for (const char* key : {"", "a key"}) {
        NewMessage more = message(1, "more");
        more.unique_key = key;
        CHECK_THROWS_AS(put(journal, more), JournalError);
    }
    CHECK(take_all(journal) == 1);
}

TEST_CASE("a table that is missing or another is refused, with a sentence") {
    struct Row {
        const char* sql;
        const char* said;
    };
    const Row rows[] = {
        {"DROP TABLE message", "message is missing"},
        {"DROP TABLE queue", "queue is missing"},
        {"DROP TABLE attempt", "attempt is missing"},
        {"DROP TABLE ticket", "ticket is missing"},
        {"DROP TABLE count", "count is missing"},
        {"ALTER TABLE message DROP COLUMN accepted", "message is another than it must be"},
        {"ALTER TABLE queue ADD COLUMN secret TEXT NOT NULL DEFAULT 'x'",
         "queue is another than it must be"},
        {"DROP TABLE count; CREATE VIEW count AS SELECT 1 AS queue, 1 AS type, 1 AS dropped",
         "count is another than it must be"},
        {"DROP TABLE ticket; CREATE TABLE ticket(slot INTEGER, sequence INT)",
         "ticket is another than it must be"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.sql);
        const Treated treated(row.sql);
        CHECK(treated.refusal() == treated.file().string() + ": is damaged: its table " + row.said +
                                       ": stop myqd, move the file away, and save what is whole "
                                       "of it with sqlite3's .recover");
    }
}

TEST_CASE("keys that became double while their index was missing are refused, with a sentence") {
    const Treated treated(
        "DROP INDEX live_key;"
        "INSERT INTO message(id, queue, type, state, due, accepted, attempts, owner, unique_key,"
        " body) VALUES(8, 1, 1, 0, 0, 0, 0, 0, x'6b', x''), (9, 1, 1, 0, 0, 0, 0, 0, x'6b', x'')");
    CHECK(treated.refusal().starts_with(treated.file().string() +
                                        ": is damaged: its index live_key cannot be made again"));
}

}  // TEST_SUITE("schema")
