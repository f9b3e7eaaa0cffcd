#include "daemon/unix/child.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

TEST_SUITE("child") {

using namespace myq;
using test::Lines;

namespace {

int status_of(ChildPid child) {
    int status = 0;
    ::waitpid(child.disown(), &status, 0);
    return status;
}

// From now on close_range(2) fails so, for this process and its children.
bool without_close_range(int error) {
    std::array<sock_filter, 4> filter{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog program{filter.size(), filter.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST_CASE(
    "child: it runs the body and leaves with its status, without the parent's exit handlers") {
    static const Lines* said = nullptr;
    Lines lines;
    said = &lines;
    CHECK(describe_exit(status_of(myq::fork_child(
              [&] {
                  std::atexit([] { said->say("an exit handler"); });
                  lines.say("the body");
                  return 3;
              },
              {lines.out()}))) == "exit status 3");
    lines.close_out();
    CHECK(lines.rest() == std::vector<std::string>{"the body"});
}

TEST_CASE("child: an exception ends it and never comes back to the caller") {
    CHECK(describe_exit(status_of(myq::fork_child([]() -> int {
              ::close(STDERR_FILENO);  // std::terminate has its say there
              throw std::runtime_error("x");
          }))) == "killed by SIGABRT");
}

TEST_CASE("child: every signal is at its default and none is blocked, but SIGPIPE ignored") {
    sigset_t set;
    sigset_t before;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &before);
    const auto old = ::signal(SIGHUP, SIG_IGN);
    const int status = status_of(myq::fork_child([] {
        sigset_t blocked;
        sigprocmask(SIG_SETMASK, nullptr, &blocked);
        if (sigismember(&blocked, SIGTERM) != 0 || sigismember(&blocked, SIGCHLD) != 0) return 2;
        struct sigaction action {};
        sigaction(SIGHUP, nullptr, &action);
        if (action.sa_handler != SIG_DFL) return 3;
        sigaction(SIGPIPE, nullptr, &action);
        return action.sa_handler == SIG_IGN ? 0 : 4;
    }));
    sigprocmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGHUP, old);
    CHECK(describe_exit(status) == "exit status 0");
}

TEST_CASE("child: it has what it was given, whatever else is open") {
    const Fd given{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
    const Fd high{::fcntl(given.value(), F_DUPFD_CLOEXEC, 700)};
    const Fd other{::open("/dev/zero", O_RDONLY)};
    const Fd last{::fcntl(given.value(), F_DUPFD, 800)};
    const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) >= 0; };
    const auto body = [&] {
        if (is_open(other.value()) || is_open(last.value())) return 2;
        if (!is_open(given.value()) || !is_open(high.value())) return 3;
        for (int fd = STDERR_FILENO + 1; fd < 1024; ++fd) {
            if (is_open(fd) && fd != given.value() && fd != high.value()) return 4;
        }
        return is_open(STDERR_FILENO) ? 0 : 5;
    };
    // In this order, with one that is none, and one twice.
    const std::vector<int> keep{high.value(), -1, given.value(), high.value()};
    SUBCASE("by close_range(2)") {
        CHECK(describe_exit(status_of(myq::fork_child(body, keep))) == "exit status 0");
    }
    SUBCASE("where an old container runtime does not know it") {
        CHECK(describe_exit(status_of(myq::fork_child(
                  [&] {
                      // A child of a child: the filter is for ever.
                      return without_close_range(ENOSYS)
                                 ? WEXITSTATUS(status_of(myq::fork_child(body, keep)))
                                 : 9;
                  },
                  {given.value(), high.value(), other.value(), last.value()}))) == "exit status 0");
    }
    SUBCASE("where it is forbidden") {
        CHECK(describe_exit(status_of(myq::fork_child(
                  [&] {
                      return without_close_range(EPERM)
                                 ? WEXITSTATUS(status_of(myq::fork_child(body, keep)))
                                 : 9;
                  },
                  {given.value(), high.value(), other.value(), last.value()}))) == "exit status 0");
    }
}

TEST_CASE("child: it ends with its parent") {
    Lines lines;
    const pid_t parent = test::fork_child([&] {
        ChildPid child = myq::fork_child(
            [&] {
                lines.say("here " + std::to_string(::getpid()));
                for (;;)
                    ::pause();
                return 0;
            },
            {lines.out()});
        child.disown();
        for (;;)
            ::pause();
        return 0;
    });
    lines.close_out();
    lines.wait_for("here");
    ::kill(parent, SIGKILL);
    CHECK(test::wait_for(parent) == -SIGKILL);
    CHECK(lines.rest().empty());  // comes when nobody has the pipe any more
}

TEST_CASE("child: an owner that goes out of scope ends it and leaves no zombie") {
    pid_t pid = 0;
    {
        const ChildPid child = myq::fork_child([] {
            for (;;)
                ::pause();
            return 0;
        });
        pid = child.value();
    }
    CHECK(::waitpid(pid, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("child: the way it ended is told in words") {
    for (const auto& [signal, text] :
         {std::pair{SIGSEGV, "killed by SIGSEGV"}, std::pair{SIGKILL, "killed by SIGKILL"},
          std::pair{SIGBUS, "killed by SIGBUS"}, std::pair{50, "killed by signal 50"}}) {
        CHECK(describe_exit(signal) == text);
    }
    CHECK(describe_exit(0) == "exit status 0");
    CHECK(describe_exit(255 << 8) == "exit status 255");
}

}  // TEST_SUITE("child")
