// The options of sql, which need no server.
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

TEST_SUITE("sql_options") {

namespace {

std::string with(const std::string& statement, const std::vector<std::string>& parameters) {
    return refusal("sql", {{"connection", {"host=/tmp dbname=shop"}},
                           {"statement", {statement}},
                           {"parameters", parameters}});
}

std::string connection(const std::string& text) {
    return refusal("sql", {{"connection", {text}}, {"statement", {"SELECT 1"}}});
}

}  // namespace

TEST_CASE("sql: parameters are as many as the statement has, read as PostgreSQL reads it") {
    struct Row {
        const char* statement;
        std::size_t parameters;
    };
    const Row rows[] = {
        {"SELECT 1", 0},
        {"INSERT INTO t VALUES ($1, $2)", 2},
        {"INSERT INTO t VALUES ($2,$1,$2)", 2},
        {"SELECT $12", 12},
        {"SELECT $1::jsonb -- and $9\n, $2", 2},
        {"SELECT $1 -- and $9", 1},
        {"SELECT '$9', $1", 1},
        {"SELECT 'it''s $9', $1", 1},
        {"SELECT 'a\\', $1, '$9'", 1},
        {"SELECT E'a\\'$9', $1", 1},
        {"SELECT name'\\', $1", 1},
        {"SELECT \"col$9\", \"a\"\"$8\", $1", 1},
        {"SELECT col$9, $1", 1},
        {"SELECT $$ $9 $$, $1", 1},
        {"SELECT $a$ $9 $$ $a$, $1", 1},
        {"SELECT /* $9 /* $8 */ $7 */ $1", 1},
        {"SELECT /* $9", 0},
        {"SELECT '$9", 0},
        {"SELECT $$ $9", 0},
        {"SELECT $", 0},
        {"SELECT 7/$1-$2", 2},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.statement));
        CHECK(with(row.statement, std::vector<std::string>(row.parameters, "body")) == "");
        CHECK(with(row.statement, std::vector<std::string>(row.parameters + 1, "body")) ==
              "option 'parameters' names " + std::to_string(row.parameters + 1) +
                  ", but the statement goes up to $" + std::to_string(row.parameters));
    }
}

TEST_CASE("sql: options that cannot work are refused with the reason") {
    CHECK(with("SELECT $1,$2,$3,$4,$5,$6",
               {"body", "id", "type", "type_name", "queue", "attempt"}) == "");
    CHECK(with("SELECT $1", {"text"}) == "option 'parameters' has 'text', which is none of body, "
                                         "id, type, type_name, queue and attempt");
    CHECK(
        refusal("sql", {{"connection", {""}}, {"statement", {"SELECT 1"}}, {"timeout", {"0s"}}}) ==
        "option 'timeout' must be 1ms to 24h");

    CHECK(connection("dbname") ==
          "option 'connection' is no connection string: missing \"=\" after \"dbname\" in "
          "connection info string");
    CHECK(connection("port=5432 colour=red").find("invalid connection option \"colour\"") !=
          std::string::npos);
    const std::string secret = "option 'connection' has a password in it; write passfile=FILE in "
                               "place of it";
    CHECK(connection("host=a password=sesame") == secret);
    CHECK(connection("postgresql://clerk:sesame@a/shop") == secret);
    CHECK(connection("postgresql://a/shop?sslpassword=sesame") == secret);
    // What cannot be read is not quoted when there may be a password in it.
    CHECK(connection("password='sesame") == "option 'connection' is no connection string");
    CHECK(connection("postgresql://clerk:sesame@[a/") ==
          "option 'connection' is no connection string");
}

TEST_CASE("sql: who says how a server is verified is heard, but not a word that means nothing") {
    for (const char* mode : {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
        CHECK(connection(std::string("host=db sslmode=") + mode) == "");
    CHECK(connection("host=db") == "");
}

TEST_CASE("sql: a passfile is one that libpq will read") {
    const TempDir dir;
    const std::string file = dir / "pgpass";
    const auto passfile = [&] { return connection("dbname=shop passfile=" + file); };
    CHECK(passfile() == "option 'connection' has passfile=" + file +
                            ", which cannot be read: No such file or directory");
    std::ofstream(file) << "*:*:*:clerk:sesame\n";
    ::chmod(file.c_str(), 0640);
    CHECK(passfile() == "option 'connection' has passfile=" + file +
                            ", which others may read; chmod 600 " + file);
    ::chmod(file.c_str(), 0600);
    CHECK(passfile() == "");
    CHECK(connection("passfile=/usr") == "option 'connection' has passfile=/usr, which is no file");
}

}  // TEST_SUITE("sql_options")
