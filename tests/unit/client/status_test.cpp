#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/control_socket.hpp"
#include "tests/unit/client/status_json.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

TEST_SUITE("status") {

using namespace myq;
using namespace myq::test;
using nlohmann::ordered_json;

namespace {

Outcome ask(const std::string& answer, std::vector<std::string> args) {
    const ControlSocket daemon("/run/myq");
    args.insert(args.begin(), "status");
    ClientProcess client(args, {.env = {"TZ=UTC0"}});
    CHECK(daemon.answer(answer) == "status\n");
    Outcome outcome = client.wait();
    std::filesystem::remove("/run/myq/control");
    return outcome;
}

}  // namespace

TEST_CASE("status shows the daemon's answer as a table, one queue of it, or as it is") {
    const Outcome all = ask(status_answer, {});
    CHECK(all.status == 0);
    CHECK(all.err.empty());
    CHECK(all.out.starts_with("myqd 0.1.0 is running, pid 4711, since 2024-05-01 10:00:00 +0000"));
    CHECK(all.out.find("\njobs (0x6d797101") != std::string::npos);

    const Outcome one = ask(status_answer, {"mails"});
    CHECK(one.status == 0);
    CHECK(one.out.find("jobs") == std::string::npos);

    const Outcome json = ask(status_answer, {"--json"});
    CHECK(json.status == 0);
    CHECK(json.out == ordered_json::parse(status_answer).dump() + "\n");
    const ordered_json mails = ordered_json::parse(ask(status_answer, {"mails", "--json"}).out);
    CHECK(mails["queues"].size() == 1);
    CHECK(mails["workers"].size() == 1);
    CHECK(mails["workers"][0]["pid"] == 4714);
}

TEST_CASE("status of a queue that the daemon has not says which it has") {
    const Outcome near = ask(status_answer, {"jobz"});
    CHECK(near.status == 64);
    CHECK(near.err == "myq: 'jobz': the daemon has no queue of this name: did you mean 'jobs'?\n");
    CHECK(ask(status_answer, {"x"}).err ==
          "myq: 'x': the daemon has no queue of this name: it has jobs, mails\n");
}

TEST_CASE("Without a daemon status is 69 and says how to start it") {
    const std::string text =
        "myq: myqd is not running (no one listens at /run/myq/control): service myq start\n";
    check_myq({"status"}, 69, "", text);
    // What a daemon leaves behind that was killed.
    { const ControlSocket left("/run/myq"); }
    REQUIRE(std::filesystem::exists("/run/myq/control"));
    check_myq({"status"}, 69, "", text);
    check_myq({"status", "--lsb"}, 3, "", "");
}

TEST_CASE("status --lsb says it by its exit status alone") {
    check_myq({"status", "--lsb"}, 3, "", "");
    const Outcome running = ask(status_answer, {"--lsb"});
    CHECK(running.status == 0);
    CHECK(running.out.empty());
    CHECK(running.err.empty());
}

TEST_CASE("The run directory is that of the configuration, however broken the rest of it is") {
    const TempDir dir;
    const std::string file = dir.path() / "myq.yaml";
    const std::string run_dir = dir.path() / "run";
    write_file(file, "daemon: {run_dir: " + run_dir + "}\nqueues: nonsense\n");
    const ControlSocket daemon(run_dir);
    ClientProcess client({"status", "-c", file});
    CHECK(daemon.answer(status_answer) == "status\n");
    CHECK(client.wait().status == 0);
}

TEST_CASE("An answer that cannot be read is status 70 with the reason") {
    const Outcome outcome = ask("{\"version\":1}", {});
    CHECK(outcome.status == 70);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("myq: the daemon's answer cannot be read: '"));
    CHECK(outcome.err.ends_with(": is myqd of another version?\n"));
    CHECK(ask("", {}).status == 70);
    CHECK(ask("\x1b[31m", {"--json"}).status == 70);
}

TEST_CASE("Who may not ask the daemon is told so with status 77") {
    const ControlSocket daemon("/run/myq");
    REQUIRE(chmod("/run/myq/control", 0600) == 0);
    const Outcome outcome = test::myq({"status", "-c", "/etc/myq/myq.yaml"}, {.nobody = true});
    CHECK(outcome.status == 77);
    CHECK(outcome.err ==
          "myq: /run/myq/control: the daemon does not listen to you: run it as root, "
          "or as the daemon's user\n");
    CHECK(test::myq({"status", "--lsb", "-c", "/etc/myq/myq.yaml"}, {.nobody = true}).status == 4);
}

}  // TEST_SUITE("status")
