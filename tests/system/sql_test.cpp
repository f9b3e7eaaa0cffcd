// The plugin sql in the real daemon, against a real PostgreSQL that comes and goes.
#include "tests/support/daemon_process.hpp"
#include "tests/support/postgres.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>

#include <atomic>
#include <string>
#include <thread>

TEST_SUITE("sql") {

using namespace myq::test;

TEST_CASE("sql: a server that is killed and started again under load has every message once" *
          doctest::test_suite("long")) {
    const TempDir dir;
    Postgres postgres(dir.path());
    postgres.run("CREATE TABLE orders (id uuid PRIMARY KEY, number int)");
    int batch = 1;
    SUBCASE("one by one") {}
    SUBCASE("in batches") {
        batch = 50;
    }
    const DaemonProcess daemon(
        {{"sql"},
         fmt::format(
             "receivers: 3\n"
             "retry: {{attempts: 1000, delay: 20ms, max_delay: 200ms}}\n"
             "handlers:\n"
             "  - {{type: any, plugin: sql, timeout: 10s, options: {{\n"
             "     connection: '{}',\n"
             "     statement: 'INSERT INTO orders VALUES ($1, $2) ON CONFLICT DO NOTHING',\n"
             "     parameters: [id, body], batch: {}}}}}\n",
             postgres.connection(), batch),
         {}});
    REQUIRE(daemon.start().exit_code == 0);
    // By the client, for the ids: 40 sendings of 50 messages, one a line.
    constexpr int sendings = 40;
    constexpr int each = 50;
    std::atomic<int> sent = 0;
    std::thread sender([&] {
        for (; sent < sendings; ++sent) {
            std::string lines;
            for (int i = 0; i < each; ++i)
                lines += std::to_string(sent * each + i) + "\n";
            const auto file = dir.path() / "lines";
            write_file(file, lines);
            const Run run = myq::test::run(
                {"sh", "-c",
                 fmt::format("exec {} -c {} send --lines --confirm jobs/1 <{}", MYQ_BINARY,
                             daemon.config_file().string(), file.string())});
            CHECK_MESSAGE(run.exit_code == 0, run.err);
        }
    });
    int failures = 0;
    for (const int part : {1, 2, 3}) {
        CHECK(eventually([&] { return sent >= sendings * part / 4; }));
        if (part == 2)
            postgres.stop();
        else
            postgres.kill();
        CHECK(daemon.logged("failed: ", ++failures));
        for (const pid_t worker : daemon.workers())
            ::kill(worker, SIGKILL);
        postgres.start();
    }
    sender.join();
    const std::string all = fmt::format("{0}|{0}\n", sendings * each);
    CHECK(eventually([&] {
        return postgres.run("SELECT count(*), count(DISTINCT number) FROM orders") == all;
    }));
    CHECK(count(daemon.log(), "is dead") == 0);
}

TEST_CASE("sql: a daemon starts without its database, and the refused are dead with the reason") {
    const TempDir dir;
    Postgres postgres(dir.path());
    postgres.run("CREATE TABLE n (n int)");
    postgres.stop();
    const DaemonProcess daemon(
        {{"sql"},
         fmt::format("retry: {{attempts: 1000, delay: 20ms, max_delay: 200ms}}\n"
                     "handlers: [{{type: any, plugin: sql, options: {{connection: '{}',\n"
                     "  statement: 'INSERT INTO n VALUES ($1)', parameters: [body]}}}}]\n",
                     postgres.connection()),
         {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "1");
    CHECK(daemon.logged("failed: connection to server on socket"));
    postgres.start();
    CHECK(eventually([&] { return postgres.run("SELECT n FROM n") == "1\n"; }));
    daemon.send(1, "one");
    CHECK(daemon.logged("is dead: plugin sql rejects it: SQLSTATE 22P02: invalid input syntax"));
}

TEST_CASE("sql: a wrong option is named with its line, and no password is in the sentence") {
    struct Row {
        const char* options;
        const char* sentence;
    };
    const Row rows[] = {
        {"{connection: host=a}", "options.statement: is missing; plugin sql needs it"},
        {"{connection: host=a, statement: SELECT 1, tmeout: 3s}",
         "options.tmeout: plugin sql has no such option; did you mean 'timeout'?"},
        {"{connection: host=a, statement: SELECT $1}",
         "options: plugin sql: option 'parameters' names 0, but the statement goes up to $1"},
        {"{connection: 'postgres://me:sesame@a/b', statement: SELECT 1}",
         "options: plugin sql: option 'connection' has a password in it; write passfile=FILE"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.options));
        const DaemonProcess daemon(
            {{"sql"},
             fmt::format("handlers: [{{type: any, plugin: sql, options: {}}}]", row.options),
             {}});
        const Run check = daemon.myqd({"-t"});
        CHECK(check.exit_code == 78);
        CHECK_MESSAGE(check.err.find(row.sentence) != std::string::npos, check.err);
        CHECK(check.err.find("myq.yaml:8:") != std::string::npos);
        CHECK(check.err.find("sesame") == std::string::npos);
    }
}

TEST_CASE("sql: on a machine without libpq one sentence says so, and the other handlers work") {
    // The world's /usr forgets.
    REQUIRE(run({"sh", "-c", "rm /usr/lib/*-linux-gnu/libpq.so.5*"}).exit_code == 0);
    const std::string options = "options: {connection: host=a, statement: SELECT 1}";
    DaemonProcess daemon(
        {{"sql", "log"}, "handlers: [{type: any, plugin: sql, " + options + "}]", {}});
    const Run check = daemon.myqd({"-t"});
    CHECK(check.exit_code == 78);
    CHECK_MESSAGE(
        check.err.find("sql.so: cannot be loaded: libpq.so.5: cannot open shared object") !=
            std::string::npos,
        check.err);
    CHECK(check.err.find("myq.yaml:8:") != std::string::npos);
    daemon.configure({{}, "handlers: [{type: any, plugin: log}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "works");
    CHECK(daemon.logged("5 bytes: works"));
}

}  // TEST_SUITE("sql")
