// exec as a process among others: what its command inherits, and when it is killed.
#include "plugins/fd.hpp"
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

TEST_SUITE("exec_process") {

namespace {

using Clock = std::chrono::steady_clock;

OptionMap shell(const std::string& script) {
    return {{"command", {"/bin/sh", "-c", script}}};
}

std::vector<std::string> logged() {
    std::vector<std::string> texts;
    for (const LogLine& line : take_log())
        texts.push_back(line.text);
    return texts;
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator fds("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(fds), end(fds)));
}

// While this lives, processes whose parent is gone become children of the test.
struct Subreaper {
    Subreaper() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
    ~Subreaper() { prctl(PR_SET_CHILD_SUBREAPER, 0); }
};

// The pid that a script has logged as "sh: PID".
pid_t logged_pid(const std::string& line) {
    return std::stoi(line.substr(line.find(' ')));
}

// The wait status of a process that ought to be dying; one that does not is killed by us.
int death_of(pid_t pid) {
    const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd ended{pidfd.get(), POLLIN, 0};
    const bool died = ::poll(&ended, 1, 10'000) == 1;
    CHECK(died);
    if (!died) kill(pid, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return status;
}

}  // namespace

TEST_CASE("exec: the command starts with default signals and an empty mask") {
    struct sigaction before {};
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before);
    sigset_t usr1;
    sigset_t mask_before;
    sigset_t mask_after;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, &mask_before);

    StartedPlugin exec("exec",
                       {{"command", {"/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}}});
    CHECK(exec.handle("") == Answer{MYQ_DONE, ""});
    sigprocmask(SIG_SETMASK, &mask_before, &mask_after);
    sigaction(SIGPIPE, &before, &ignore);
    CHECK(logged() == std::vector<std::string>{"grep: SigBlk:\t0000000000000000",
                                               "grep: SigIgn:\t0000000000000000"});
    // ... and the worker has what it had.
    CHECK(sigismember(&mask_after, SIGUSR1) == 1);
    CHECK(sigismember(&mask_after, SIGTERM) == 0);
    CHECK((ignore.sa_handler == SIG_IGN));
}

TEST_CASE(
    "exec: the command finds no open file but 0, 1 and 2, even one that is not close-on-exec") {
    const Fd leak(::open("/dev/null", O_RDONLY));  // NOLINT(android-cloexec-open): that is the test
    StartedPlugin exec("exec", shell("ls /proc/$$/fd"));
    CHECK(exec.handle("") == Answer{MYQ_DONE, ""});
    CHECK(logged() == std::vector<std::string>{"sh: 0", "sh: 1", "sh: 2"});
}

TEST_CASE("exec: the command leads a process group of its own") {
    StartedPlugin exec("exec", shell("read pid name state parent group rest </proc/$$/stat; "
                                     "test $pid = $group"));
    CHECK(exec.handle("") == Answer{MYQ_DONE, ""});
}

TEST_CASE("exec: nothing is left behind in the worker, neither a descriptor nor a zombie") {
    StartedPlugin exec("exec", shell("echo x >&2; exit $(cat)"));
    const std::size_t before = open_descriptors();
    CHECK(exec.handle("0").verdict == MYQ_DONE);
    CHECK(exec.handle("1").verdict == MYQ_REJECT);
    StartedPlugin missing("exec", {{"command", {"/nothing/here"}}});
    CHECK(missing.handle("").verdict == MYQ_RETRY);
    CHECK(open_descriptors() == before);
    CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("exec: signals that the worker handles while it waits change nothing") {
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = [](int) {};  // and no SA_RESTART, as in a worker
    sigaction(SIGALRM, &action, &before);
    const itimerval often{{0, 2000}, {0, 2000}};
    const itimerval off{};
    setitimer(ITIMER_REAL, &often, nullptr);
    StartedPlugin exec("exec", shell("sleep 0.1; cat >&2"));
    CHECK(exec.handle("still here") == Answer{MYQ_DONE, ""});
    setitimer(ITIMER_REAL, &off, nullptr);
    sigaction(SIGALRM, &before, nullptr);
    CHECK(logged() == std::vector<std::string>{"sh: still here"});
}

TEST_CASE("exec: a process that was left running with the command's outputs holds nobody up") {
    const Subreaper subreaper;
    StartedPlugin exec("exec", shell("sleep 1000 & echo $! >&2"));
    CHECK(exec.handle("", {.timeout_ms = 60'000}) == Answer{MYQ_DONE, ""});
    const auto lines = logged();
    REQUIRE(lines.size() == 1);
    const pid_t left = logged_pid(lines[0]);
    CHECK(kill(left, SIGTERM) == 0);  // it is alive: what answered in time is left alone
    CHECK(WTERMSIG(death_of(left)) == SIGTERM);
}

TEST_CASE("exec: a command without an answer is told to end shortly before the time is up") {
    StartedPlugin exec("exec", shell("trap 'echo leaving >&2; exit 0' TERM; sleep 1000 & wait"));
    const auto start = Clock::now();
    CHECK(exec.handle("", {.timeout_ms = 4000}) == Answer{MYQ_RETRY, "no answer for 4 s"});
    CHECK(Clock::now() - start >= std::chrono::milliseconds{3600});
    CHECK(Clock::now() - start < std::chrono::milliseconds{4000});
    CHECK(logged() == std::vector<std::string>{"sh: leaving"});
}

TEST_CASE("exec: a command that will not hear is killed with everything in its group") {
    const Subreaper subreaper;
    StartedPlugin exec("exec", shell("trap '' TERM; sleep 1000 & echo $! >&2; wait"));
    const auto start = Clock::now();
    CHECK(exec.handle("", {.timeout_ms = 2500}) == Answer{MYQ_RETRY, "no answer for 2500 ms"});
    CHECK(Clock::now() - start < std::chrono::milliseconds{2500});
    const auto lines = logged();
    REQUIRE(lines.size() == 1);
    const int status = death_of(logged_pid(lines[0]));
    CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("exec: a command that prints without end is stopped in time all the same") {
    StartedPlugin exec("exec", shell("exec yes >&2"));
    CHECK(exec.handle("", {.timeout_ms = 1500}) == Answer{MYQ_RETRY, "no answer for 1500 ms"});
    const auto lines = logged();
    REQUIRE_FALSE(lines.empty());
    CHECK(lines.back().ends_with("more lines"));
}

TEST_CASE("exec: the command dies with a worker that is killed") {
    const Subreaper subreaper;
    const TempDir dir;
    const std::string fifo = dir / "fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);

    const pid_t worker = fork();
    if (worker == 0) {
        _exit([&]() noexcept {
            StartedPlugin exec(
                "exec",
                {{"command", {"/bin/sh", "-c", R"(echo $$ >"$0"; read never <"$0")", fifo}}});
            exec.handle("");
            return 0;
        }());
    }
    pid_t command = -1;
    std::ifstream(fifo) >> command;
    REQUIRE(command > 0);
    kill(worker, SIGKILL);
    death_of(worker);
    CHECK(WTERMSIG(death_of(command)) == SIGKILL);
}

}  // TEST_SUITE("exec_process")
