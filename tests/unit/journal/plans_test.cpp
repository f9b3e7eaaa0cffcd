// With ten million rows a statement that goes through them all takes seconds: each must know an
// index that leads to what it asks for.
#include "journal/schema.hpp"
#include "journal/statements.hpp"
#include "journal/walk.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

TEST_SUITE("plans") {

using namespace myq;
using namespace myq::test;

namespace {

std::string plan(Database& database, std::string_view sql) {
    Statement statement(database, "EXPLAIN QUERY PLAN " + std::string(sql));
    std::string steps;
    for (auto rows = statement.rows(); rows.next();)
        steps += std::string(rows.text(3)) + "; ";
    return steps;
}

bool has(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

struct Opened {
    ScratchJournal journal;
    Database database{journal.file()};
};

}  // namespace

TEST_CASE("every statement of the daemon finds its rows by an index, in order") {
    Opened opened;
    opened.database.run("BEGIN");
    make_type_index(opened.database);
    opened.database.run("COMMIT");
    Statements all(opened.database);
    const Statement* const statements[] = {
        &all.except.at_once, &all.except.timed,   &all.except.next, &all.only.at_once,
        &all.only.timed,     &all.only.next,      &all.up_to.next,  &all.next_type,
        &all.take,           &all.finish,         &all.release,     &all.defer,
        &all.bury,           &all.revive,         &all.drop,        &all.history_add,
        &all.history_find,   &all.history_forget, &all.running,     &all.count_keep,
        &all.count_forget,   &all.ticket,         &all.queue_find};
    for (const Statement* statement : statements) {
        const std::string steps = plan(opened.database, statement->sql());
        CAPTURE(statement->sql());
        CAPTURE(steps);
        CHECK_FALSE(has(steps, "SCAN"));
        CHECK_FALSE(has(steps, "TEMP B-TREE"));
    }
    for (const Statement* statement : {&all.take, &all.finish, &all.running})
        CHECK(has(plan(opened.database, statement->sql()), "PRIMARY KEY (rowid>? AND rowid<?)"));
    CHECK(has(plan(opened.database, all.only.at_once.sql()),
              "by_type (queue=? AND type=? AND due=?)"));
    CHECK(has(plan(opened.database, all.only.timed.sql()),
              "by_type (queue=? AND type=? AND due>? AND due<?)"));
    CHECK(
        has(plan(opened.database, all.next_type.sql()), "by_type (queue=? AND type>? AND type<?)"));
    CHECK(has(plan(opened.database, all.except.timed.sql()),
              "waiting (queue=? AND due>? AND due<?)"));
}

TEST_CASE("without the index of types, the next due time is looked for in due order") {
    Opened opened;
    Statements all(opened.database);
    for (const Statement* statement : {&all.only.next, &all.up_to.next, &all.except.next}) {
        const std::string steps = plan(opened.database, statement->sql());
        CAPTURE(steps);
        CHECK(has(steps, "waiting (queue=?)"));
        CHECK_FALSE(has(steps, "TEMP B-TREE"));
    }
}

TEST_CASE("the claims that are open are few, and have an index of their own") {
    Opened opened;
    Statements all(opened.database);
    for (const Statement* statement : {&all.claims, &all.claims_of})
        CHECK(has(plan(opened.database, statement->sql()), "USING INDEX running"));
}

TEST_CASE("every listing goes along an index, from where the last page ended") {
    Opened opened;
    const std::int64_t queues[] = {1, 2};
    std::vector<JournalFilter> filters(6);
    filters[1].queue = "jobs";
    filters[2].type = 7;
    filters[3].since_ms = 5;
    filters[4].match = "x";
    filters[5].rows = {1, 5};
    filters[5].states = {JournalState::dead};
    for (const JournalFilter& filter : filters) {
        for (const bool only_dead : {false, true}) {
            const auto found = only_dead ? dead_walks(filter, queues) : walks(filter, 5, queues);
            for (const Walk& walk : found) {
                const std::string sql = walk.sql(filter, "queue");
                const std::string steps = plan(opened.database, sql);
                CAPTURE(sql);
                CAPTURE(steps);
                if (has(walk.from, "INDEXED BY dead")) {
                    CHECK(has(steps, "INDEX dead (died=? AND id>?)"));
                    CHECK(has(steps, "INDEX dead (died>?)"));
                    CHECK_FALSE(has(steps, "TEMP B-TREE"));
                } else if (has(walk.from, "INDEXED BY waiting")) {
                    CHECK(has(steps, "INDEX waiting (queue=? AND due=? AND id>?)"));
                    CHECK(has(steps, "INDEX waiting (queue=? AND due>?"));
                    CHECK_FALSE(has(steps, "TEMP B-TREE"));
                } else if (has(walk.from, "INDEXED BY running")) {
                    CHECK(has(steps, "INDEX running"));
                } else {
                    CHECK(has(steps, "INTEGER PRIMARY KEY (rowid=?)"));
                }
            }
        }
    }
}

}  // TEST_SUITE("plans")
