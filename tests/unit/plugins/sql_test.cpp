// sql, against a real PostgreSQL.
#include "tests/support/postgres.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

TEST_SUITE("sql") {

using myq::test::Postgres;

namespace {

const Answer done{MYQ_DONE, ""};
const std::string some_id = "00112233445566778899aabbccddeeff";

class Stage {
public:
    OptionMap options(const std::string& statement, const std::vector<std::string>& parameters,
                      OptionMap more = {}) const {
        more.insert(more.end(), {{"connection", {postgres.connection()}},
                                 {"statement", {statement}},
                                 {"parameters", parameters}});
        return more;
    }
    Answer answer(const std::string& statement, const std::vector<std::string>& parameters,
                  std::string_view body = "body", const Letter& letter = {}) const {
        return StartedPlugin("sql", options(statement, parameters)).handle(body, letter);
    }

    myq::test::TempDir dir;
    Postgres postgres{dir.path()};
};

// Listens at 127.0.0.2, says no to TLS, hears the next packet, and hangs up.
class Impostor {
public:
    Impostor() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(0x7f000002);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_, generic, size) == 0);
        REQUIRE(::listen(listener_, 1) == 0);
        REQUIRE(::getsockname(listener_, generic, &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~Impostor() {
        if (thread_.joinable()) thread_.join();
        ::close(listener_);
    }
    Impostor(const Impostor&) = delete;
    Impostor& operator=(const Impostor&) = delete;

    std::string port() const { return std::to_string(port_); }
    std::string heard() const {
        thread_.join();
        return heard_;
    }

private:
    void serve() {
        const int client = ::accept(listener_, nullptr, nullptr);
        std::array<char, 1024> packet{};
        ssize_t size = ::read(client, packet.data(), 8);
        // Whoever wants no TLS at all begins with what comes after.
        if (size == 8 && packet[4] == 4 && packet[5] == '\xd2') {
            CHECK(::write(client, "N", 1) == 1);
            size = 0;
        }
        const ssize_t more = ::read(client, packet.data() + size, packet.size() - 8);
        heard_.assign(packet.data(), static_cast<std::size_t>(size + std::max<ssize_t>(more, 0)));
        ::close(client);
    }

    int listener_;
    unsigned port_ = 0;
    std::string heard_;
    mutable std::thread thread_;
};

}  // namespace

TEST_CASE("sql: every field arrives, and what is not there is NULL") {
    const Stage stage;
    stage.postgres.run("CREATE TABLE t (body bytea, id uuid, type bigint, name text, queue text, "
                       "attempt int)");
    StartedPlugin sql("sql",
                      stage.options("INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6)",
                                    {"body", "id", "type", "type_name", "queue", "attempt"}));
    CHECK(sql.handle(std::string("\0\xff'\\", 4), {.type = 9223372036854775807,
                                                   .type_name = "order",
                                                   .queue = "shop",
                                                   .attempt = 3,
                                                   .id = some_id}) == done);
    CHECK(sql.handle("", {.type = 1, .type_name = "", .queue = "shop"}) == done);
    CHECK(stage.postgres.run("SELECT * FROM t") ==
          "\\x00ff275c|00112233-4455-6677-8899-aabbccddeeff|9223372036854775807|order|shop|3\n"
          "\\x||1||shop|1\n");
    CHECK(stage.postgres.run("SELECT count(*) FROM pg_prepared_statements") == "0\n");  // not ours
    CHECK(stage.postgres.run("SELECT count(*), max(application_name) FROM pg_stat_activity WHERE "
                             "application_name = 'myq'") == "1|myq\n");
}

TEST_CASE("sql: the statement says what the body is") {
    const Stage stage;
    stage.postgres.run("CREATE TABLE j (content jsonb); CREATE TABLE x (content text); "
                       "CREATE TABLE n (content int)");
    CHECK(stage.answer("INSERT INTO j VALUES ($1)", {"body"}, R"({"b": [1, 2]})") == done);
    CHECK(stage.postgres.run("SELECT content->'b'->1 FROM j") == "2\n");
    CHECK(stage.answer("INSERT INTO x VALUES ($1)", {"body"}, "gr\xc3\xbc\xc3\x9f dich") == done);
    CHECK(stage.postgres.run("SELECT content FROM x") == "gr\xc3\xbc\xc3\x9f dich\n");
    CHECK(stage.answer("INSERT INTO n VALUES ($1)", {"body"}, "42") == done);
    CHECK(stage.postgres.run("SELECT content FROM n") == "42\n");
    CHECK(stage.answer("INSERT INTO n SELECT length($1::bytea)", {"body"}, "four") == done);
    CHECK(stage.postgres.run("SELECT max(content), min(content) FROM n") == "42|4\n");
}

TEST_CASE("sql: a message that comes again changes nothing") {
    const Stage stage;
    stage.postgres.run("CREATE TABLE t (id uuid PRIMARY KEY, content text)");
    StartedPlugin sql(
        "sql",
        stage.options("INSERT INTO t VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", {"id", "body"}));
    CHECK(sql.handle("first", {.id = some_id}) == done);
    CHECK(sql.handle("again", {.attempt = 2, .id = some_id}) == done);
    CHECK(stage.postgres.run("SELECT content FROM t") == "first\n");
}

TEST_CASE(
    "sql: what is wrong with the value or the statement is for ever, with the server's words") {
    const Stage stage;
    stage.postgres.run(
        "CREATE TABLE t (n int PRIMARY KEY CHECK (n > 0));"
        "CREATE TABLE v (n int);"
        "CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'not\non Sundays'; END $$"
        " LANGUAGE plpgsql;"
        "CREATE TRIGGER no BEFORE INSERT ON v FOR EACH ROW EXECUTE FUNCTION no()");
    const auto rejected = [&](const std::string& statement, std::string_view body) {
        const Answer answer = stage.answer(statement, {"body"}, body);
        CHECK(answer.verdict == MYQ_REJECT);
        return answer.reason;
    };
    const std::string insert = "INSERT INTO t VALUES ($1)";
    CHECK(rejected(insert, "x") == "SQLSTATE 22P02: invalid input syntax for type integer: \"x\"");
    CHECK(rejected(insert, "-1") ==
          "SQLSTATE 23514: new row for relation \"t\" violates check constraint \"t_n_check\"");
    CHECK(stage.answer(insert, {"body"}, "1") == done);
    CHECK(rejected(insert, "1") ==
          "SQLSTATE 23505: duplicate key value violates unique constraint \"t_pkey\"");
    CHECK(rejected(insert, std::string("1\0", 2)) ==
          "SQLSTATE 22021: the body has a NUL byte, which only bytea can hold");
    CHECK(rejected("SELECT $1::text", "\xff") ==
          "SQLSTATE 22021: invalid byte sequence for encoding \"UTF8\": 0xff");
    CHECK(rejected("INSERT INTO nowhere VALUES ($1)", "1") ==
          "SQLSTATE 42P01: relation \"nowhere\" does not exist");
    CHECK(rejected("INSERT INTO v VALUES ($1)", "1") == "SQLSTATE P0001: not on Sundays");
    CHECK(rejected("SELECT $1::int; SELECT 2", "1").starts_with("SQLSTATE 42601: "));
}

TEST_CASE("sql: a message that was refused is no matter for the next one") {
    const Stage stage;
    stage.postgres.run("CREATE TABLE t (n int)");
    StartedPlugin sql("sql", stage.options("INSERT INTO t VALUES ($1)", {"body"}));
    CHECK(sql.handle("one").verdict == MYQ_REJECT);
    CHECK(sql.handle("1") == done);
    CHECK(sql.handle("two").verdict == MYQ_REJECT);
    CHECK(sql.handle("2") == done);
    CHECK(stage.postgres.run("SELECT count(*) FROM t") == "2\n");
}

TEST_CASE("sql: what is wrong with the server passes, and the next connection is a new one") {
    Stage stage;
    stage.postgres.run("CREATE TABLE t (n int)");
    StartedPlugin sql("sql", stage.options("INSERT INTO t VALUES ($1)", {"body"}));
    CHECK(sql.handle("1") == done);
    stage.postgres.kill();
    // The process behind its session may live for a moment.
    CHECK(myq::test::eventually([&] { return sql.handle("2").verdict == MYQ_RETRY; }));
    const Answer lost = sql.handle("2");
    CHECK(lost.verdict == MYQ_RETRY);
    CHECK_MESSAGE(lost.reason.find("connection to server on socket") != std::string::npos,
                  lost.reason);
    stage.postgres.start();
    CHECK(sql.handle("2") == done);
    stage.postgres.stop();
    stage.postgres.start();
    CHECK_MESSAGE(sql.handle("3") == done, "a session that ended while it was idle costs nothing");
    CHECK(stage.postgres.run("SELECT DISTINCT n FROM t ORDER BY n") == "1\n2\n3\n");
    // In the middle of a statement.
    const Answer ended =
        stage.answer("SELECT pg_terminate_backend(pg_backend_pid()), $1", {"body"});
    CHECK(ended == Answer{MYQ_RETRY, "SQLSTATE 57P01: terminating connection due to administrator "
                                     "command"});
    stage.postgres.run("CREATE FUNCTION later(code text) RETURNS int AS $$ BEGIN "
                       "RAISE 'later' USING ERRCODE = code; END $$ LANGUAGE plpgsql");
    for (const std::string code :
         {"08006", "40001", "40P01", "53100", "55P03", "57014", "25006", "XX000"}) {
        CAPTURE(code);
        CHECK(stage.answer("SELECT later($1)", {"body"}, code) ==
              Answer{MYQ_RETRY, "SQLSTATE " + code + ": later"});
    }
}

TEST_CASE("sql: a statement that takes too long is ended, on both sides") {
    const Stage stage;
    StartedPlugin sql("sql", stage.options("SELECT pg_sleep($1)", {"body"}, {{"timeout", {"1h"}}}));
    const Answer slow = sql.handle("3600", {.timeout_ms = 1000});
    CHECK(slow ==
          Answer{MYQ_RETRY, "SQLSTATE 57014: canceling statement due to statement timeout"});
    CHECK_MESSAGE(sql.handle("0") == done, "another time, another limit");
    CHECK(stage.postgres.run("SHOW statement_timeout") == "0\n");
    // A server that says nothing at all.
    const std::string postmaster = "head -1 " + (stage.dir.path() / "data/postmaster.pid").string();
    const pid_t pid = std::stoi(myq::test::run({"sh", "-c", postmaster}).out);
    StartedPlugin deaf("sql", stage.options("SELECT 1", {}, {{"timeout", {"100ms"}}}));
    kill(pid, SIGSTOP);
    const Answer unheard = deaf.handle("");
    kill(pid, SIGCONT);
    CHECK(unheard == Answer{MYQ_RETRY, "no answer in time"});
}

TEST_CASE("sql: a password comes from the passfile, and a wrong one is not the message's fault") {
    const Stage stage;
    const auto file = stage.dir.path() / "pgpass";
    const auto login = [&](const std::string& password) {
        myq::test::write_file(file, "*:*:*:clerk:" + password + "\n");
        ::chmod(file.c_str(), 0600);
        return StartedPlugin("sql", {{"connection",
                                      {"host=" + stage.dir.path().string() +
                                       " user=clerk dbname=postgres passfile=" + file.string()}},
                                     {"statement", {"SELECT 1"}}})
            .handle("");
    };
    CHECK(login("sesame") == done);
    const Answer wrong = login("barley");
    CHECK(wrong.verdict == MYQ_RETRY);
    CHECK(wrong.reason.find("password authentication failed for user \"clerk\"") !=
          std::string::npos);
    CHECK(wrong.reason.find("barley") == std::string::npos);
    CHECK(stage.postgres.log().find("barley") == std::string::npos);
}

TEST_CASE("sql: what the server remarks is logged for who looks closely") {
    const Stage stage;
    take_log();
    stage.postgres.run(
        "CREATE FUNCTION remark() RETURNS int AS $$ BEGIN RAISE NOTICE E'well,\nwell'; "
        "RETURN 1; END $$ LANGUAGE plpgsql");
    CHECK(stage.answer("SELECT remark()", {}) == done);
    CHECK(take_log() == std::vector<LogLine>{{MYQ_DEBUG, "NOTICE: well, well"}});
}

TEST_CASE("sql: a server elsewhere must prove who it is, unless the connection says otherwise") {
    // Without TLS, and in the name of a host that is not this one.
    std::ofstream("/etc/hosts", std::ios::app) << "127.0.0.2 db.example\n";
    const auto told = [](const std::string& more) {
        const Impostor impostor;
        StartedPlugin sql(
            "sql", {{"connection",
                     {"host=db.example dbname=shop user=clerk port=" + impostor.port() + more}},
                    {"statement", {"SELECT 1"}}});
        const Answer answer = sql.handle("");
        CHECK(answer.verdict == MYQ_RETRY);
        return std::pair{answer.reason, impostor.heard()};
    };
    const auto [reason, heard] = told("");
    CHECK_MESSAGE(reason.find("server does not support SSL, but SSL was required") !=
                      std::string::npos,
                  reason);
    CHECK(heard.find("clerk") == std::string::npos);
    CHECK(told(" sslmode=prefer").second.find("clerk") != std::string::npos);
}

}  // TEST_SUITE("sql")
