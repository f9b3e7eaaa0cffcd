#include "tests/support/daemon_process.hpp"
#include "tests/support/ledger.hpp"
#include "tests/support/worker_watch.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

TEST_SUITE("crash") {

using namespace myq::test;

namespace {

constexpr const char* ledger_file = "/mnt/ledger";

// A worker built with a sanitizer takes a hundred times longer to come up: it is killed less often.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t storm_kills = 30;
#else
constexpr std::uint64_t storm_kills = 100;
#endif
constexpr std::size_t most_storm_messages = 1'000'000;

DaemonProcess::Setup ledger_setup(const std::string& more, const std::string& daemon = {}) {
    return {{"ledger"},
            more + "\nhandlers: [{type: any, plugin: ledger, options: {file: /mnt/ledger}}]",
            daemon};
}

std::mt19937 seeded() {
    const char* given = std::getenv("SEED");
    const unsigned seed =
        given != nullptr ? static_cast<unsigned>(std::atol(given)) : std::random_device{}();
    MESSAGE("SEED=", seed);
    return std::mt19937(seed);
}

}  // namespace

TEST_CASE("crash: a worker killed in the middle of a message is replaced, and the message handled "
          "once more") {
    const DaemonProcess daemon(ledger_setup("receivers: 1"));
    const Ledger ledger(ledger_file, 2);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "0:sleep=60000");
    REQUIRE(eventually([&] { return ledger.times(0) == 1; }));
    ::kill(daemon.workers().at(0), SIGKILL);
    CHECK(eventually([&] { return ledger.times(0) == 2; }));
    CHECK(daemon.logged("a worker ended: killed by SIGKILL; its message is kept and tried again"));
}

TEST_CASE(
    "crash: whatever ends its workers, a message is dead after `attempts`, with every cause") {
    struct Row {
        const char* command;
        const char* cause;
    };
    const Row rows[] = {{"crash", "killed by SIGSEGV"},
                        {"abort", "killed by SIGABRT"},
                        {"exit", "exit status 0"},
                        {"_exit", "exit status 0"},
                        {"write", "killed by SIGSEGV"}};
    const DaemonProcess daemon(ledger_setup("receivers: 1\nretry: {attempts: 3, delay: 0s}"));
    const Ledger ledger(ledger_file, 10);
    REQUIRE(daemon.start().exit_code == 0);
    std::size_t id = 0;
    for (const Row& row : rows) {
        CAPTURE(std::string(row.command));
        daemon.send(1, fmt::format("{}:{}", id, row.command));
        REQUIRE(daemon.logged("is dead: 3 attempts", static_cast<int>(id) + 1));
        const std::string cause = std::string(row.cause) + " in plugin ledger 1.0";
        const std::string log = daemon.log();
        const std::string last = log.substr(log.rfind("is dead:"));
        CHECK_MESSAGE(last.find("the last one: " + cause) != std::string::npos, last);
        const std::string shown = daemon.myq({"dead", "show", std::to_string(id + 1)}).out;
        CHECK_MESSAGE(count(shown, cause) >= 3, shown);
        CHECK(ledger.times(id) == 3);
        ++id;
    }
    daemon.send(1, fmt::format("{}", id));
    CHECK(eventually([&] { return ledger.times(id) == 1; }));
}

TEST_CASE("crash: a handler that exceeds its timeout is killed, also when it blocks every signal") {
    const DaemonProcess daemon(
        {{"ledger"},
         "retry: {attempts: 1}\nhandlers: [{type: any, plugin: ledger, timeout: 50ms, "
         "options: {file: /mnt/ledger}}]",
         {}});
    const Ledger ledger(ledger_file, 3);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "0:hang");
    daemon.send(1, "1:spin");
    daemon.send(1, "2");
    CHECK(daemon.logged("is dead: 1 attempt; the last one: no answer for 50ms from plugin ledger",
                        2));
    CHECK(eventually([&] { return ledger.times(2) == 1; }));
}

TEST_CASE("crash: a storm of SIGKILL on workers under load loses nothing, and repeats at most one "
          "a kill") {
    const DaemonProcess daemon(ledger_setup("receivers: 4\nretry: {attempts: 1000}"));
    const Ledger ledger(ledger_file, most_storm_messages);
    REQUIRE(daemon.start().exit_code == 0);
    std::mt19937 random = seeded();
    std::atomic<bool> is_over = false;
    std::atomic<std::size_t> sent = 0;
    std::jthread sender([&] {
        while (!is_over && sent < most_storm_messages)
            daemon.send(1, std::to_string(sent++));
    });
    WorkerWatch watch(daemon);
    std::uint64_t kills = 0;
    while (kills < storm_kills && sent < most_storm_messages) {
        const pid_t victim = watch.somebody_busy(random);
        const timespec pause{0, static_cast<long>(random() % 2'000'000)};
        ::nanosleep(&pause, nullptr);
        if (victim != 0 && ::kill(victim, SIGKILL) == 0) ++kills;
    }
    is_over = true;
    sender.join();
    CHECK(kills == storm_kills);
    CHECK(eventually([&] { return ledger.missing(sent) == 0; }));
    REQUIRE(daemon.stop().exit_code == 0);
    CHECK(ledger.missing(sent) == 0);
    CHECK(ledger.repeated() <= kills);
    CHECK(daemon.log().find("is dead") == std::string::npos);
    MESSAGE(kills, " kills, ", sent.load(), " sent, ", ledger.repeated(), " repeated");
}

TEST_CASE("crash: the whole daemon killed again and again under load loses nothing") {
    constexpr std::size_t messages = 20'000;
    constexpr int rounds = 25;
    const DaemonProcess daemon(ledger_setup("receivers: 3\nretry: {attempts: 1000}"));
    const Ledger ledger(ledger_file, messages);
    REQUIRE(daemon.start().exit_code == 0);
    std::mt19937 random = seeded();
    std::jthread sender([&] {
        for (std::size_t i = 0; i < messages; ++i)
            daemon.send(1, std::to_string(i));
    });
    for (int round = 0; round < rounds; ++round) {
        const timespec pause{0, static_cast<long>(random() % 20'000'000)};
        ::nanosleep(&pause, nullptr);
        daemon.kill_all();
        daemon.wait_until_gone();
        REQUIRE(daemon.start().exit_code == 0);
    }
    sender.join();
    CHECK(eventually([&] { return ledger.missing() == 0; }));
    REQUIRE(daemon.stop().exit_code == 0);
    CHECK(ledger.missing() == 0);
    CHECK(ledger.repeated() <= rounds * 3);
}

TEST_CASE("crash: workers whose supervisor was killed leave by themselves, after their message") {
    const DaemonProcess daemon(ledger_setup("receivers: 2"));
    const Ledger ledger(ledger_file, 2);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "0:sleep=300");
    REQUIRE(eventually([&] { return ledger.times(0) == 1; }));
    daemon.signal(SIGKILL);
    REQUIRE(daemon.start().exit_code == 0);  // waits for the one that still works
    daemon.send(1, "1");
    CHECK(eventually([&] { return ledger.times(1) == 1; }));
    CHECK(ledger.times(0) == 1);
    CHECK(run({"pgrep", "-c", "-x", "myqd"}).out == "3\n");
}

TEST_CASE("crash: fewer workers after a kill than before still settle every slot") {
    DaemonProcess daemon(ledger_setup("receivers: 4"));
    const Ledger ledger(ledger_file, 4);
    REQUIRE(daemon.start().exit_code == 0);
    for (int i = 0; i < 4; ++i)
        daemon.send(1, fmt::format("{}:sleep=2000", i));
    REQUIRE(eventually([&] { return ledger.missing() == 0; }));
    daemon.kill_all();
    daemon.wait_until_gone();
    daemon.configure(ledger_setup("receivers: 1"));
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(eventually([&] { return ledger.repeated() == 4; }));
    CHECK(eventually([&] { return daemon.workers().size() == 1; }));
}

TEST_CASE("crash: workers that die before their first message are paced") {
    const DaemonProcess daemon(ledger_setup("receivers: 1"));
    const Ledger ledger(ledger_file, 1);
    REQUIRE(daemon.start().exit_code == 0);
    std::filesystem::remove(ledger_file);  // from now on the handler cannot start
    ::kill(daemon.workers().at(0), SIGKILL);
    CHECK(daemon.logged("does not start"));
    // The second try comes a second after the first, the third two seconds later.
    REQUIRE(daemon.logged("does not start", 2));
    CHECK(count(daemon.log(), "does not start") == 2);
}

#if !defined(__SANITIZE_ADDRESS__)  // which hears of a crash first
TEST_CASE("crash: what killed a worker is kept with its message") {
    struct Row {
        const char* body;
        std::vector<std::string> lines;
    };
    const Row rows[] = {
        {"crash the last line",
         {"attempt 2: killed by SIGSEGV in plugin answers 1.2.0",
          "SIGSEGV at address 0x0: nothing is there", "plugin answers 1.2.0, build id ",
          "option greeting: hello world", "option api_token: (hidden)",
          "option environment: DB_PASS (hidden)", "option headers: X-Key (hidden)",
          "#0 answers.so+0x", "log info the last line"}},
        {"abort",
         {"killed by SIGABRT in plugin answers 1.2.0", "#0 libc.so.6+0x", "answers.so+0x"}},
        {"smash", {"killed by SIGSEGV in plugin answers", "#0 answers.so+0x", "#1 answers.so+0x"}},
        {"throw",
         {"killed by SIGABRT", "uncaught: std::__cxx11::basic_string", "libstdc++.so.6+0x"}},
        {"exit", {"exit status 3 in plugin answers", "plugin answers 1.2.0, build id "}},
        {"hang", {"no answer for 100ms from plugin answers", "log warn hanging"}},
    };
    const DaemonProcess daemon(
        {{"answers"},
         "retry: {attempts: 2, delay: 0s}\nhandlers: [{type: 7, plugin: answers, timeout: 100ms, "
         "options: {greeting: hello world, api_token: sesame, environment: [DB_PASS=sesame], "
         "headers: [\"X-Key: sesame\"]}}]",
         {}});
    REQUIRE(daemon.start().exit_code == 0);
    int number = 0;
    for (const Row& row : rows) {
        CAPTURE(std::string(row.body));
        daemon.send(7, row.body);
        REQUIRE(daemon.logged("is dead: 2 attempts", ++number));
        const std::string shown = daemon.myq({"dead", "show", std::to_string(number)}).out;
        for (const std::string& line : row.lines)
            CHECK_MESSAGE(shown.find(line) != std::string::npos, line << " in\n" << shown);
        CHECK(shown.find("sesame") == std::string::npos);
    }
    // What was dead tells nothing of the next.
    daemon.send(7, "reject it");
    REQUIRE(daemon.logged("rejects it"));
    const std::string shown = daemon.myq({"dead", "show", std::to_string(number + 1)}).out;
    CHECK_MESSAGE(shown.find("autopsy") == std::string::npos, shown);
}
#endif

}  // TEST_SUITE("crash")
