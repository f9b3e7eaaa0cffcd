// sql with many messages in one call, against a real PostgreSQL.
#include "tests/support/postgres.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

TEST_SUITE("sql_batch") {

using myq::test::Postgres;

namespace {

using Answers = std::vector<Answer>;

const Answer done{MYQ_DONE, ""};

struct Stage {
    StartedPlugin sql(const std::string& statement, const std::string& batch = "100") const {
        return {"sql",
                {{"connection", {postgres.connection()}},
                 {"statement", {statement}},
                 {"parameters", {"body"}},
                 {"batch", {batch}}}};
    }
    // What is in t, and how many transactions it took: "1 2 3|1".
    std::string rows() const {
        return postgres.run(
            "SELECT string_agg(n::text, ' ' ORDER BY n), count(DISTINCT tx) FROM t");
    }

    myq::test::TempDir dir;
    Postgres postgres{dir.path()};
    const std::string table = "CREATE TABLE t (n int, tx bigint DEFAULT txid_current()";
    const std::string insert = "INSERT INTO t VALUES ($1)";
};

}  // namespace

TEST_CASE("sql batch: many messages are one transaction") {
    const Stage stage;
    stage.postgres.run(stage.table + ")");
    StartedPlugin sql = stage.sql(stage.insert);
    CHECK(sql.most_at_once() == 100);
    CHECK(sql.handle_many({"1", "2", "3"}) == Answers{done, done, done});
    CHECK(stage.rows() == "1 2 3|1\n");
    CHECK(sql.handle("4") == done);
    CHECK(sql.handle_many({"5", "6"}) == Answers{done, done});
    CHECK(stage.rows() == "1 2 3 4 5 6|3\n");
    CHECK(stage.sql(stage.insert, "1").most_at_once() == 1);
}

TEST_CASE("sql batch: what the server refuses is refused alone, and the others are in") {
    const Stage stage;
    stage.postgres.run(stage.table + " CHECK (n <> 4))");
    StartedPlugin sql = stage.sql(stage.insert);
    const Answers answers =
        sql.handle_many({"1", "2", "three", "4", "5", std::string("6\0", 2), "7", "8"});
    REQUIRE(answers.size() == 8);
    CHECK(answers[2].reason == "SQLSTATE 22P02: invalid input syntax for type integer: \"three\"");
    CHECK(answers[3].reason.starts_with("SQLSTATE 23514: "));
    CHECK(answers[5].reason ==
          "SQLSTATE 22021: the body has a NUL byte, which only bytea can hold");
    for (const std::size_t bad : {2U, 3U, 5U})
        CHECK(answers[bad].verdict == MYQ_REJECT);
    for (const std::size_t good : {0U, 1U, 4U, 6U, 7U})
        CHECK(answers[good] == done);
    CHECK(stage.rows() == "1 2 5 7 8|3\n");
    CHECK(sql.handle_many({"9", "10"}) == Answers{done, done});
}

TEST_CASE("sql batch: what only the COMMIT finds out is found out one by one") {
    const Stage stage;
    stage.postgres.run("CREATE TABLE t (n int, tx bigint DEFAULT txid_current(), "
                       "UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)");
    StartedPlugin sql = stage.sql(stage.insert);
    const Answers answers = sql.handle_many({"1", "2", "1", "3"});
    CHECK(answers[2].reason.starts_with("SQLSTATE 23505: duplicate key value"));
    CHECK(answers[2].verdict == MYQ_REJECT);
    CHECK(answers[3] == done);
    CHECK(stage.rows() == "1 2 3|3\n");
}

TEST_CASE("sql batch: what passes by itself puts off all of it, and nothing of it is in") {
    Stage stage;
    stage.postgres.run(stage.table + ")");
    stage.postgres.run("CREATE FUNCTION later(n int) RETURNS int AS $$ BEGIN IF n = 2 THEN "
                       "RAISE 'later' USING ERRCODE = '40001'; END IF; RETURN n; END $$ "
                       "LANGUAGE plpgsql");
    StartedPlugin sql = stage.sql("INSERT INTO t SELECT later($1)");
    const Answer later{MYQ_RETRY, "SQLSTATE 40001: later"};
    CHECK(sql.handle_many({"1", "2", "3"}) == Answers{later, later, later});
    CHECK(stage.rows() == "|0\n");
    stage.postgres.kill();
    for (const Answer& answer : sql.handle_many({"4", "5"}))
        CHECK(answer.verdict == MYQ_RETRY);
    stage.postgres.start();
    CHECK(sql.handle_many({"6", "7"}) == Answers{done, done});
    CHECK(stage.rows() == "6 7|1\n");
}

TEST_CASE("sql batch: as many as there may be, and larger than what a socket holds") {
    const Stage stage;
    stage.postgres.run("CREATE TABLE b (content text)");
    StartedPlugin sql = stage.sql("INSERT INTO b VALUES ($1) RETURNING content", "256");
    const std::vector<std::string> bodies(256, std::string(50'000, 'x'));
    CHECK(sql.handle_many(bodies) == Answers(256, done));
    CHECK(stage.postgres.run("SELECT count(*), sum(length(content)) FROM b") == "256|12800000\n");
}

TEST_CASE("sql batch: its size is 1 to 256") {
    for (const char* batch : {"0", "-1", "257"}) {
        CAPTURE(std::string(batch));
        CHECK(refusal("sql", {{"connection", {"host=a"}},
                              {"statement", {"SELECT 1"}},
                              {"batch", {batch}}}) == "option 'batch' is not 1 to 256");
    }
}

}  // TEST_SUITE("sql_batch")
