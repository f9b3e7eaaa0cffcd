#include "daemon/unix/child.hpp"
#include "tests/unit/daemon/lines.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <stdexcept>

TEST_SUITE("child") {

using namespace myq;
using test::Lines;

namespace {

int status_of(ChildPid child) {
    int status = 0;
    ::waitpid(child.disown(), &status, 0);
    return status;
}

}  // namespace

TEST_CASE(
    "child: it runs the body and leaves with its status, without the parent's exit handlers") {
    static const Lines* said = nullptr;
    Lines lines;
    said = &lines;
    CHECK(describe_exit(status_of(myq::fork_child([&] {
              std::atexit([] { said->say("an exit handler"); });
              lines.say("the body");
              return 3;
          }))) == "exit status 3");
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
