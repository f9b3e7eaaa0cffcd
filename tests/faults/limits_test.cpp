// A machine at its limits: no memory (F05, F06), no processes (F08), no descriptors (F39), slow.
#include "tests/faults/expect.hpp"
#include "tests/faults/flood.hpp"
#include "tests/faults/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <random>
#include <thread>

TEST_SUITE("limits") {

using namespace myq::test;

namespace fs = std::filesystem;

namespace {

constexpr uid_t service = 950;  // myq, in a world

// The soft limit of a process of the service user's. As that user: root without CAP_SYS_RESOURCE
// may not.
void set_limit(pid_t pid, __rlimit_resource resource, std::optional<rlim_t> limit) {
    const pid_t child = ::fork();
    if (child == 0) {
        rlimit limits{};
        const bool is_done = ::setgroups(0, nullptr) == 0 && ::setgid(service) == 0 &&
                             ::setuid(service) == 0 &&
                             ::prlimit(pid, resource, nullptr, &limits) == 0;
        limits.rlim_cur = limit.value_or(limits.rlim_max);
        ::_exit(is_done && ::prlimit(pid, resource, &limits, nullptr) == 0 ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
}

// A start in which the n-th allocation of each process fails.
Run start_without_memory(const DaemonProcess& daemon, long n, bool for_ever) {
    std::vector<std::string> command{"env", "LD_PRELOAD=" SHIM_MALLOC,
                                     fmt::format("FAIL_AT={}", n)};
    if (for_ever) command.emplace_back("FAIL_FOR_EVER=1");
    command.insert(command.end(), {DaemonProcess::binary(), "-c", daemon.config_file()});
    return run(command);
}

void send_of_each_kind(Stage& stage) {
    for (const char* command : {"", "flaky", "reject"}) {
        const auto fate = *command == '\0' ? Checker::Fate::once : Checker::Fate::again;
        stage.checker.send(stage.daemon.queue(), 1, command, fate);
    }
}

// A memory cgroup of this test's own, or none.
class MemoryGroup {
public:
    explicit MemoryGroup(std::uint64_t limit)
        : path_(fmt::format("/sys/fs/cgroup/memory/myq-test-{}", std::random_device{}())) {
        std::error_code error;
        if (!fs::create_directory(path_, error)) return;
        std::ofstream(path_ / "memory.limit_in_bytes") << limit;
        std::ofstream(path_ / "memory.memsw.limit_in_bytes") << limit;
        usable_ = true;
    }
    ~MemoryGroup() {
        if (usable_) eventually([&] { return ::rmdir(path_.c_str()) == 0; });
    }
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;

    bool is_usable() const { return usable_; }
    void add(pid_t pid) const { std::ofstream(path_ / "cgroup.procs") << pid; }

private:
    fs::path path_;
    bool usable_ = false;
};

}  // namespace

TEST_CASE("F05: any allocation fails, once or for ever: no stray pointer, nothing lost") {
    if (has_sanitizer) skip("a sanitizer has its own malloc");
    Stage stage({.messages = 100'000, .daemon = "stop_timeout: 300ms"});
    std::mt19937 random(seed());
    const long last = 20'000;  // a start makes fewer
    const int rounds = is_long_form() ? 2'000 : 40;
    REQUIRE(stage.daemon.start().exit_code == 0);
    REQUIRE(stage.daemon.stop().exit_code == 0);
    for (int round = 0; round < rounds; ++round) {
        // As often a low number as a high one: the first allocations are main()'s own.
        const long bound = 1L << (random() % 15);
        const long n = 1 + static_cast<long>(random()) % std::min(bound, last);
        const bool for_ever = round % 4 == 0;
        CAPTURE(fmt::format("FAIL_AT={}{}", n, for_ever ? " FAIL_FOR_EVER=1" : ""));
        send_of_each_kind(stage);
        const Run start = start_without_memory(stage.daemon, n, for_ever);
        // abort() is what C++ does about it before main() and in what must not throw.
        const bool ended_in_order = start.exit_code < 128 || start.exit_code == 128 + SIGABRT;
        CHECK_MESSAGE(ended_in_order, start.exit_code, ": ", start.err);
        send_of_each_kind(stage);
        if (start.exit_code == 0) stage.daemon.stop();
        stage.checker.allow_repeats(static_cast<std::uint64_t>(kill_every_process()));
        const std::string log = stage.daemon.log();
        CHECK_MESSAGE(log.find("SIGSEGV") == std::string::npos, log);
        stage.checker.allow_repeats(static_cast<std::uint64_t>(count(log, "a worker ended")));
        fs::remove(stage.daemon.log_file());
    }
    expect_promises_kept(stage);
}

TEST_CASE("F06: a worker that the kernel ends for want of memory: its message is kept") {
    const MemoryGroup group(24U << 20U);
    if (!group.is_usable()) skip("no memory cgroup can be made here");
    Stage stage({.messages = 1'000, .receivers = 1, .attempts = 3});
    REQUIRE(stage.daemon.start().exit_code == 0);
    stage.checker.send(stage.daemon.queue(), 1);
    for (int round = 0; round < 5; ++round) {
        REQUIRE(eventually([&] { return stage.daemon.workers().size() == 1; }));
        group.add(stage.daemon.workers().at(0));
        // It takes more than there is; so does its successor, which is not in the group.
        stage.checker.send(stage.daemon.queue(), 1, "hog", Checker::Fate::again);
        stage.checker.send(stage.daemon.queue(), 2);
        REQUIRE(stage.daemon.logged("killed by SIGKILL; its message is kept", round + 1));
        stage.checker.allow_repeats(1);
    }
    expect_promises_kept(stage);
}

TEST_CASE("F08: no process can be forked: those that are there go on, and the others come later") {
    Stage stage({.messages = 10'000, .receivers = 3});
    REQUIRE(stage.daemon.start().exit_code == 0);
    const pid_t supervisor = stage.daemon.supervisor();
    set_limit(supervisor, RLIMIT_NPROC, 1);
    ::kill(stage.daemon.workers().at(0), SIGKILL);
    CHECK(stage.daemon.logged("cannot fork a worker"));
    for (int i = 0; i < 1'000; ++i)
        REQUIRE(stage.checker.send(stage.daemon.queue(), 1, i % 100 == 0 ? "flaky" : "",
                                   i % 100 == 0 ? Checker::Fate::again : Checker::Fate::once));
    CHECK(eventually([&] { return stage.checker.handled() == 1'000; }));
    CHECK(stage.daemon.supervisor() == supervisor);
    CHECK(cpu_time(supervisor) < std::chrono::seconds{2});
    set_limit(supervisor, RLIMIT_NPROC, std::nullopt);
    CHECK(eventually([&] { return stage.daemon.workers().size() >= 3; }));
    stage.checker.allow_repeats(1);
    expect_promises_kept(stage);
}

TEST_CASE("F39: with 16 descriptors it starts, or says why not") {
    for (const int limit : {16, 20, 24, 32}) {
        CAPTURE(limit);
        Stage stage({.messages = 100});
        const std::string command =
            fmt::format("ulimit -n {}; exec {} -c {}", limit, DaemonProcess::binary(),
                        stage.daemon.config_file().string());
        const Run start = run({"sh", "-c", command});
        CHECK(start.exit_code < 126);
        if (start.exit_code == 0) {
            send_of_each_kind(stage);
        } else {
            CHECK_MESSAGE(start.err.find("oo many open files") != std::string::npos, start.err);
            CHECK(eventually([] { return daemon_processes().empty(); }));
        }
        if (start.exit_code == 0) CHECK(stage.daemon.stop().exit_code == 0);
        expect_promises_kept(stage);
    }
}

TEST_CASE("F39: out of descriptors while it runs: what works goes on, and a reload is refused") {
    Stage stage({.messages = 10'000, .receivers = 2});
    REQUIRE(stage.daemon.start().exit_code == 0);
    const auto workers = stage.daemon.workers();
    set_limit(stage.daemon.supervisor(), RLIMIT_NOFILE, 5);
    stage.daemon.signal(SIGHUP);
    CHECK(stage.daemon.logged("reload failed: "));
    CHECK(stage.daemon.logged("Too many open files"));
    CHECK(stage.daemon.workers() == workers);
    for (int i = 0; i < 1'000; ++i)
        REQUIRE(stage.checker.send(stage.daemon.queue(), 1));
    CHECK(eventually([&] { return stage.checker.handled() == 1'000; }));
    ::kill(workers.at(0), SIGKILL);  // its successor cannot have its pipe
    stage.checker.allow_repeats(1);
    CHECK(stage.daemon.logged("cannot fork a worker"));
    set_limit(stage.daemon.supervisor(), RLIMIT_NOFILE, std::nullopt);
    CHECK(eventually([&] { return stage.daemon.workers().size() == 2; }));
    expect_promises_kept(stage);
}

TEST_CASE("slow: where each fork and each mapping takes long it starts, works and stops as ever") {
    if (has_sanitizer) skip("a sanitizer must be loaded first");
    using std::chrono::steady_clock;
    const auto slow = [](const std::string& us, std::vector<std::string> command) {
        command.insert(command.begin(), {"env", "LD_PRELOAD=" SHIM_SLOW, "MYQ_SLOW_US=" + us});
        return run(command);
    };
    const auto begin = steady_clock::now();
    REQUIRE(slow("100000", {"sh", "-c", "(:); (:)"}).exit_code == 0);
    CHECK(steady_clock::now() - begin >=
          std::chrono::milliseconds{200});  // or nothing is slow here
    Stage stage({.messages = 100});
    const Run start = slow("3000", {DaemonProcess::binary(), "-c", stage.daemon.config_file()});
    REQUIRE_MESSAGE(start.exit_code == 0, start.err);
    for (int i = 0; i < 20; ++i)
        send_of_each_kind(stage);
    ::kill(stage.daemon.workers().at(0), SIGKILL);
    stage.checker.allow_repeats(1);
    expect_promises_kept(stage);
}

}  // TEST_SUITE("limits")
