// Starts that meet each other (F17), and a run directory that goes (F20).
#include "tests/faults/expect.hpp"
#include "tests/faults/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>

#include <filesystem>
#include <thread>

TEST_SUITE("start") {

using namespace myq::test;

TEST_CASE("F17: of two starts at once exactly one runs, every time") {
    Stage stage({.messages = 100, .receivers = 1});
    for (int round = 0; round < 20; ++round) {
        Run first;
        std::thread other([&] { first = stage.daemon.start(); });
        const Run second = stage.daemon.start();
        other.join();
        CAPTURE(first.err);
        CAPTURE(second.err);
        CHECK(std::min(first.exit_code, second.exit_code) == 0);
        CHECK(std::max(first.exit_code, second.exit_code) == 1);
        const std::string& refusal = first.exit_code == 0 ? second.err : first.err;
        CHECK_MESSAGE(refusal.find("already running") != std::string::npos, refusal);
        REQUIRE(stage.checker.probe());
        REQUIRE(stage.daemon.stop().exit_code == 0);
        CHECK(daemon_processes().empty());
    }
    expect_promises_kept(stage);
}

TEST_CASE(
    "F20: the run directory is deleted under the daemon: it works on, and ends when told to") {
    Stage stage({.messages = 100});
    stage.checker.forget_the_account();  // the slots may lie there
    REQUIRE(stage.daemon.start().exit_code == 0);
    const pid_t supervisor = stage.daemon.supervisor();
    const auto workers = stage.daemon.workers();
    std::filesystem::remove_all(stage.daemon.dir() / "run");
    for (int i = 0; i < 10; ++i)
        stage.checker.send(stage.daemon.queue(), 1);
    CHECK(eventually([&] { return stage.checker.handled() == 10; }));
    SUBCASE("a worker that is killed is replaced") {
        ::kill(workers.at(0), SIGKILL);
        stage.checker.allow_repeats(1);
        for (int i = 0; i < 10; ++i)
            stage.checker.send(stage.daemon.queue(), 1);
        CHECK(eventually([&] { return stage.checker.handled() == 20; }));
    }
    SUBCASE("it cannot be found any more, but by its pid") {
        CHECK(stage.daemon.status().exit_code == 3);
    }
    ::kill(supervisor, SIGTERM);
    CHECK(eventually([] { return daemon_processes().empty(); }));
    expect_promises_kept(stage);
}

TEST_CASE(
    "F20: a tmpfs is mounted over the run directory: the next start does not fight the one that "
    "runs") {
    Stage stage({.messages = 200});
    stage.checker.forget_the_account();
    REQUIRE(stage.daemon.start().exit_code == 0);
    const pid_t first = stage.daemon.supervisor();
    const auto run_dir = stage.daemon.dir() / "run";
    REQUIRE(run({"mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", run_dir}).exit_code == 0);
    const Run second = stage.daemon.start();
    CAPTURE(second.err);
    // Nobody can tell that one runs; both serve the queue, each with its own slots.
    for (int i = 0; i < 100; ++i)
        stage.checker.send(stage.daemon.queue(), 1);
    CHECK(eventually([&] { return stage.checker.handled() == 100; }));
    ::kill(first, SIGTERM);
    CHECK(eventually([&] { return ::kill(first, 0) != 0; }));
    if (second.exit_code == 0) CHECK(stage.daemon.stop().exit_code == 0);
    CHECK(eventually([] { return daemon_processes().empty(); }));
    REQUIRE(run({"umount", run_dir}).exit_code == 0);
    expect_promises_kept(stage);
}

}  // TEST_SUITE("start")
