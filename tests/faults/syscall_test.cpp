// A system call at a time: killed at each (F03), failing once at each (F04).
#include "tests/faults/expect.hpp"
#include "tests/faults/processes.hpp"
#include "tests/faults/scale.hpp"
#include "tests/faults/tracer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <random>
#include <set>

TEST_SUITE("syscall") {

using namespace myq::test;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// One life of a daemon, from start to stop, with a little of everything in it: messages that wait
// already, that end well, fail, and are rejected; a reload; a stop. Under strace, and with whatever
// fault that injects into every process. Then a life without, in which all must come right.
class Life {
public:
    explicit Life(const std::string& durability)
        : stage({.messages = 100'000,
                 .durability = durability,
                 .receivers = 2,
                 .queue = "drain: true",
                 .daemon = "stop_timeout: 300ms"}) {
        live({"-e", "trace=none"});  // the queue is there from now on
    }

    // What the start under strace said.
    Run live(const std::vector<std::string>& strace) {
        const auto queue_is_there = [] {
            return myq::MessageQueue::exists(myq::QueueKey::from_text(DaemonProcess::key));
        };
        if (queue_is_there()) send();
        const Run start = start_traced(stage.daemon, strace);
        if (start.exit_code == 0) {
            send();
            await([&] { return handled_all(); });
            stage.daemon.signal(SIGHUP);
            await([&] { return stage.daemon.log().find("reloaded: ") != std::string::npos; });
            send();
            await([&] { return handled_all(); });
            stage.daemon.signal(SIGTERM);
            await([&] { return daemon_processes().empty(); });
        }
        end();
        return start;
    }

    // Nobody injects anything: what was sent is handled now.
    void come_right() {
        const Run start = stage.daemon.start();
        CHECK_MESSAGE(start.exit_code == 0, start.err);
        CHECK(eventually([&] { return handled_all(); }));
        CHECK(stage.daemon.stop().exit_code == 0);
    }

    Stage stage;

private:
    void send() {
        try {
            const myq::MessageQueue queue = stage.daemon.queue();
            for (const char* command : {"", "", "flaky", "reject"})
                stage.checker.send(queue, 1, command, fate_of(command));
        } catch (const myq::IpcError&) {
            // A start that failed may have been the first.
        }
    }

    static Checker::Fate fate_of(std::string_view command) {
        return command.empty() ? Checker::Fate::once : Checker::Fate::again;
    }

    bool handled_all() const { return stage.checker.handled() == stage.checker.count_accepted(); }

    // Or not: with a fault in every process it may never happen.
    static void await(const std::function<bool()>& happened) {
        const auto deadline = steady_clock::now() + milliseconds{has_sanitizer ? 3'000 : 500};
        while (!happened() && steady_clock::now() < deadline && !daemon_processes().empty())
            ::poll(nullptr, 0, 5);
    }

    // However it ended: what the dead may have had in hand is repeated.
    void end() {
        int killed = kill_every_process();
        const std::string log = stage.daemon.log();
        killed += count(log, "a worker ended");
        killed += 10;  // those whose end nobody was there to see
        stage.checker.allow_repeats(static_cast<std::uint64_t>(killed));
        std::filesystem::remove(stage.daemon.log_file());
        check_log(log);
    }

    static void check_log(const std::string& log) {
        for (const char* crash : {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "terminate called",
                                  "AddressSanitizer", "runtime error"}) {
            CHECK_MESSAGE(log.find(crash) == std::string::npos, crash, "\n", log);
        }
    }
};

struct Point {
    std::string call;
    int when;
};

// Every call of a life and every time that it is made; a sample of so many in the short form.
std::vector<Point> choose(const std::map<std::string, int>& calls, std::size_t sample) {
    std::vector<Point> all;
    std::mt19937 random(seed());
    if (!is_long_form()) {
        // Each call is as likely as any other, however often it is made.
        const std::vector<std::pair<std::string, int>> list(calls.begin(), calls.end());
        for (std::size_t i = 0; i < sample; ++i) {
            const auto& [call, times] = list[random() % list.size()];
            all.push_back({call, 1 + static_cast<int>(random() % static_cast<unsigned>(times))});
        }
        return all;
    }
    for (const auto& [call, times] : calls) {
        for (int when = 1; when <= times; ++when)
            all.push_back({call, when});
    }
    return all;
}

std::vector<std::string> inject(const Point& point, const std::string& fault) {
    return {"--seccomp-bpf",
            "-o",
            "/dev/null",
            "-e",
            "trace=" + point.call,
            "-e",
            fmt::format("inject={}:{}:when={}", point.call, fault, point.when)};
}

// What a life does of everything; what never fails, and what ends it anyway, is left out.
std::map<std::string, int> calls_of(Life& life) {
    const auto trace = life.stage.daemon.dir() / "trace";
    life.live({"-o", trace});
    auto calls = count_calls(trace);
    for (const char* call : {"execve", "exit", "exit_group", "rt_sigreturn"})
        calls.erase(call);
    REQUIRE(calls.contains("msgrcv"));
    return calls;
}

void kill_at_every_call(const std::string& durability) {
    Life life(durability);
    for (const Point& point : choose(calls_of(life), scaled(30))) {
        CAPTURE(fmt::format("{}:{}", point.call, point.when));
        life.live(inject(point, "signal=SIGKILL"));
        life.come_right();
    }
    expect_promises_kept(life.stage);
}

// The error that each call has in real life when a machine is at its limits.
const std::map<std::string, std::string> errors{
    {"msgget", "ENOSPC"},    {"msgctl", "EPERM"},        {"msgsnd", "ENOMEM"},
    {"msgrcv", "ENOMEM"},    {"openat", "EMFILE"},       {"write", "ENOSPC"},
    {"pwrite64", "ENOSPC"},  {"fsync", "EIO"},           {"fdatasync", "EIO"},
    {"clone", "EAGAIN"},     {"clone3", "EAGAIN"},       {"mmap", "ENOMEM"},
    {"setresuid", "EAGAIN"}, {"setresgid", "EPERM"},     {"setgroups", "EPERM"},
    {"fcntl", "ENOLCK"},     {"rename", "EIO"},          {"unlink", "EIO"},
    {"kill", "EPERM"},       {"ftruncate", "EIO"},       {"fallocate", "ENOSPC"},
    {"pipe2", "EMFILE"},     {"memfd_create", "EMFILE"}, {"read", "EIO"},
    {"pread64", "EIO"},      {"socket", "EMFILE"},       {"bind", "EADDRINUSE"},
    {"mkdir", "ENOSPC"},     {"madvise", "ENOMEM"},      {"prctl", "EINVAL"},
    {"poll", "ENOMEM"},      {"eventfd2", "EMFILE"},     {"fstat", "EIO"},
    {"newfstatat", "EIO"},   {"capset", "EPERM"},
};

void fail_at_every_call(const std::string& durability) {
    Life life(durability);
    std::map<std::string, int> calls = calls_of(life);
    std::erase_if(calls, [](const auto& call) { return !errors.contains(call.first); });
    for (const Point& point : choose(calls, scaled(40))) {
        // The loader's own, in any program: without it there is no main() that could say a word.
        if (point.call == "mmap" && point.when == 1) continue;
        CAPTURE(fmt::format("{}:{}", point.call, point.when));
        const Run start = life.live(inject(point, "error=" + errors.at(point.call)));
        CHECK_MESSAGE(start.exit_code < 128, "it crashes: ", start.exit_code);
        // The write(2) that fails may be the word.
        if (start.exit_code != 0 && point.call != "write")
            CHECK_MESSAGE(!start.err.empty(), "it fails without a word");
        life.come_right();
    }
    expect_promises_kept(life.stage);
}

}  // namespace

TEST_CASE("F03: SIGKILL at any system call of a start, a message, a reload, a stop, durability: "
          "memory" *
          doctest::test_suite("long")) {
    kill_at_every_call("memory");
}

TEST_CASE("F03: SIGKILL at any system call of a start, a message, a reload, a stop, durability: "
          "journal" *
          doctest::test_suite("long")) {
    kill_at_every_call("journal");
}

TEST_CASE("F04: any system call fails once: no crash, nothing lost, durability: memory" *
          doctest::test_suite("long")) {
    fail_at_every_call("memory");
}

TEST_CASE("F04: any system call fails once: no crash, nothing lost, durability: journal" *
          doctest::test_suite("long")) {
    fail_at_every_call("journal");
}

TEST_CASE("F04: privileges that cannot be dropped end the start before any handler runs") {
    for (const char* call : {"setgroups", "setresgid", "setresuid", "capset", "prctl"}) {
        CAPTURE(std::string(call));
        Stage stage({.messages = 10});
        REQUIRE(stage.daemon.start().exit_code == 0);
        REQUIRE(stage.daemon.stop().exit_code == 0);
        REQUIRE(stage.checker.send(stage.daemon.queue(), 1));
        // Of each process the first, and so of the supervisor and of the one that probes plugins.
        const Run start = start_traced(stage.daemon, inject({call, 1}, "error=EPERM"));
        CHECK(start.exit_code != 0);
        CHECK_MESSAGE(start.err.find("myqd: ") == 0, start.err);
        CHECK(eventually([] { return daemon_processes().empty(); }));
        CHECK(stage.checker.handled() == 0);
        expect_promises_kept(stage);
    }
}

}  // TEST_SUITE("syscall")
