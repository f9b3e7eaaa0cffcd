// F27: handlers that misbehave, each in its own way: what they did to the process is put right, or
// the process is ended, and the next message is handled.
#include "tests/faults/expect.hpp"
#include "tests/faults/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <poll.h>
#include <signal.h>

TEST_SUITE("handler") {

using namespace myq::test;

namespace {

Stage::Setup one_worker() {
    return {.messages = 1'000'000, .receivers = 1, .attempts = 2};
}

}  // namespace

TEST_CASE("F27: what ends a worker ends one message after its attempts, and no other") {
    struct Row {
        const char* command;
        const char* cause;
    };
    const Row rows[] = {
        {"overflow", "killed by SIGSEGV"},
#if defined(_FORTIFY_SOURCE) && _FORTIFY_SOURCE > 0
        {"longjmp", "killed by SIGABRT"},
#endif
        {"thread-exit", ""},  // whether that is an exit or an abort is the C++ library's business
        {"freeze", "no answer for 200ms"},
    };
    Stage::Setup setup = one_worker();
    setup.handler = "timeout: 200ms";
    Stage stage(setup);
    REQUIRE(stage.daemon.start().exit_code == 0);
    int dead = 0;
    for (const Row& row : rows) {
        CAPTURE(std::string(row.command));
        stage.checker.send(stage.daemon.queue(), 1, row.command, Checker::Fate::again);
        stage.checker.send(stage.daemon.queue(), 2);
        REQUIRE(stage.daemon.logged("is dead: 2 attempts", ++dead));
        const std::string log = stage.daemon.log();
        CHECK_MESSAGE(log.find(row.cause, log.rfind("is dead: ")) != std::string::npos, log);
    }
    expect_promises_kept(stage);
}

TEST_CASE("F27: what ends a worker in a call of many ends one message, and no other") {
    Stage::Setup setup = one_worker();
    setup.handler = "timeout: 200ms";
    setup.most = 20;
    for (const char* command : {"crash", "exit", "freeze"}) {
        CAPTURE(std::string(command));
        Stage stage(setup);
        REQUIRE(stage.daemon.start().exit_code == 0);
        // Held by the first, the worker finds the others together.
        stage.checker.send(stage.daemon.queue(), 1, "sleep=100");
        for (int i = 0; i < 10; ++i)
            stage.checker.send(stage.daemon.queue(), 1);
        stage.checker.send(stage.daemon.queue(), 1, command, Checker::Fate::again);
        for (int i = 0; i < 10; ++i)
            stage.checker.send(stage.daemon.queue(), 1);
        REQUIRE(stage.daemon.logged("is dead: 2 attempts"));
        stage.allow_for_killed(1);  // the call of many; in the second only one was in hand
        expect_promises_kept(stage);
    }
}

TEST_CASE("F27: what a handler leaves the process like is put back, and said") {
    struct Row {
        const char* command;
        const char* said;
    };
    const Row rows[] = {
        {"umask", "changes the worker's umask"},
        {"chdir", "changes the worker's working directory"},
        {"block", "changes the worker's signal mask"},
        {"ignore", "changes the worker's signal handlers"},
    };
    Stage stage(one_worker());
    REQUIRE(stage.daemon.start().exit_code == 0);
    const auto workers = stage.daemon.workers();
    for (const Row& row : rows) {
        CAPTURE(std::string(row.command));
        stage.checker.send(stage.daemon.queue(), 1, row.command);
        // It is put back after one of the next messages: not between any two, that would cost more
        // than the messages.
        CHECK(eventually([&] {
            stage.checker.send(stage.daemon.queue(), 1);
            return stage.daemon.log().find(row.said) != std::string::npos;
        }));
        const std::size_t id = stage.checker.sent();
        stage.checker.send(stage.daemon.queue(), 1, "sane");
        CHECK(eventually([&] { return stage.checker.times(id) == 1; }));
    }
    CHECK(stage.daemon.workers() == workers);
    expect_promises_kept(stage);  // with nothing dead: every `sane` was
}

TEST_CASE("F27: descriptors that leak are noticed, also when none is left") {
    Stage stage(one_worker());
    REQUIRE(stage.daemon.start().exit_code == 0);
    const auto is_said = [&] {
        return stage.daemon.log().find("descriptors are open in this worker") != std::string::npos;
    };
    CHECK(eventually([&] {
        // They are counted once a second.
        const std::size_t id = stage.checker.sent();
        if (id < 1'000) stage.checker.send(stage.daemon.queue(), 1, "leak");
        ::poll(nullptr, 0, 50);
        return is_said();
    }));
    expect_promises_kept(stage);
}

TEST_CASE("F27: a handler that closes everything harms its own process alone") {
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        Stage::Setup setup = one_worker();
        setup.durability = durability;
        setup.attempts = 1'000;
        Stage stage(setup);
        REQUIRE(stage.daemon.start().exit_code == 0);
        for (std::size_t round = 0; round < scaled(4, 20); ++round) {
            stage.checker.send(stage.daemon.queue(), 1, "closefds");
            for (const char* command : {"", "flaky", "reject"}) {
                const auto fate = *command == '\0' ? Checker::Fate::once : Checker::Fate::again;
                stage.checker.send(stage.daemon.queue(), 1, command, fate);
            }
        }
        // The next is told by what it was before: a late one is not, for the bell is broken.
        CHECK(eventually([&] { return stage.checker.handled() == stage.checker.sent(); }));
        // Of a worker that went without a word the message is repeated.
        stage.checker.allow_repeats(
            static_cast<std::uint64_t>(count(stage.daemon.log(), "a worker ended")));
        expect_promises_kept(stage);
    }
}

TEST_CASE("F27: a child that a handler leaves behind holds nothing up") {
    Stage stage(one_worker());
    REQUIRE(stage.daemon.start().exit_code == 0);
    stage.checker.send(stage.daemon.queue(), 1, "fork");
    REQUIRE(eventually([&] { return stage.checker.handled() == 1; }));
    CHECK(stage.daemon.stop().exit_code == 0);
    CHECK(stage.daemon.status().exit_code == 3);
    CHECK(stage.daemon.start().exit_code == 0);
    // In hand, in a worker whose handler's child outlives it: its slot is free all the same.
    stage.checker.send(stage.daemon.queue(), 1, "fork");
    stage.checker.send(stage.daemon.queue(), 1, "sleep=60000");
    REQUIRE(eventually([&] { return stage.checker.handled() == 3; }));
    ::kill(stage.daemon.workers().at(0), SIGKILL);
    CHECK(eventually([&] { return stage.checker.times(2) == 2; }));
    stage.checker.allow_repeats(1);
    ::kill(stage.daemon.workers().at(0), SIGKILL);  // the last of its attempts
    CHECK(stage.daemon.logged("is dead: 2 attempts"));
}

TEST_CASE("F27: a handler that takes the right to write files from its worker loses nothing") {
    Stage::Setup setup = one_worker();
    setup.attempts = 1'000;
    Stage stage(setup);
    REQUIRE(stage.daemon.start().exit_code == 0);
    stage.checker.send(stage.daemon.queue(), 1, "no-files");
    for (const char* command : {"flaky", "reject"})
        stage.checker.send(stage.daemon.queue(), 1, command, Checker::Fate::again);
    stage.checker.send(stage.daemon.queue(), 1);
    CHECK(eventually([&] { return stage.checker.handled() == 4; }));
    stage.checker.allow_repeats(
        static_cast<std::uint64_t>(count(stage.daemon.log(), "a worker ended")));
    expect_promises_kept(stage);
}

TEST_CASE("F27: a handler that kills the supervisor, or every process there is, loses nothing") {
    for (const char* command : {"kill-supervisor", "kill-everybody"}) {
        CAPTURE(std::string(command));
        Stage stage({.messages = 1'000, .receivers = 3, .attempts = 2});
        REQUIRE(stage.daemon.start().exit_code == 0);
        const pid_t first = stage.daemon.supervisor();
        for (int i = 0; i < 50; ++i)
            stage.checker.send(stage.daemon.queue(), 1);
        stage.checker.send(stage.daemon.queue(), 1, command, Checker::Fate::again);
        for (int i = 0; i < 50; ++i)
            stage.checker.send(stage.daemon.queue(), 1);
        REQUIRE(eventually([&] { return ::kill(first, 0) != 0; }));
        stage.checker.allow_repeats(3);
        // It is done with that after its last attempt, however many starts that takes.
        for (int i = 0; i < 5 && stage.checker.handled() < 101; ++i) {
            stage.daemon.start();
            eventually([&] {
                return stage.checker.handled() == 101 || stage.daemon.status().exit_code != 0;
            });
        }
        expect_promises_kept(stage);
    }
}

}  // TEST_SUITE("handler")
