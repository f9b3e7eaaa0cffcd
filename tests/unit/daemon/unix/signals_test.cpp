#include "daemon/unix/signals.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

TEST_SUITE("signals") {

using namespace myq;
using myq::test::in_child;
using myq::test::Lines;

TEST_CASE("signals: a queue delivers what was sent, and nothing acts by itself") {
    CHECK(in_child([] {
              SignalQueue queue({SIGTERM, SIGHUP});
              if (queue.next()) return 2;
              raise(SIGTERM);
              raise(SIGHUP);
              pollfd readable{queue.fd(), POLLIN, 0};
              if (poll(&readable, 1, 0) != 1) return 3;
              if (queue.next() != SIGHUP || queue.next() != SIGTERM) return 4;
              return queue.next() ? 5 : 0;
          }) == 0);
}

TEST_CASE("signals: a signal that is not in the queue does what it always did") {
    CHECK(in_child([] {
              const SignalQueue queue({SIGTERM});
              raise(SIGUSR2);
              return 0;
          }) == -SIGUSR2);
}

TEST_CASE("signals: reset_signals undoes whatever a starter left") {
    CHECK(in_child([] {
              sigset_t all;
              sigfillset(&all);
              sigprocmask(SIG_SETMASK, &all, nullptr);
              for (int signal = 1; signal < NSIG; ++signal)
                  ::signal(signal, SIG_IGN);
              reset_signals();
              sigprocmask(SIG_SETMASK, nullptr, &all);
              for (int signal = 1; signal < NSIG; ++signal) {
                  if (sigismember(&all, signal) == 1) return 2;
                  struct sigaction action {};
                  if (sigaction(signal, nullptr, &action) != 0) continue;
                  const auto wanted = signal == SIGPIPE ? SIG_IGN : SIG_DFL;
                  if (action.sa_handler != wanted) return 3;
              }
              return 0;
          }) == 0);
}

TEST_CASE("signals: a worker hears SIGTERM, and nothing of a terminal") {
    CHECK(in_child([] {
              become_interruptible(getppid(), [] {});
              raise(SIGHUP);
              raise(SIGINT);
              if (stop_requested()) return 2;
              raise(SIGTERM);
              return stop_requested() ? 0 : 3;
          }) == 0);
}

TEST_CASE("signals: SIGTERM interrupts what a worker waits in") {
    Lines lines;
    const pid_t pid = myq::test::fork_child([&] {
        become_interruptible(getppid(), [] {});
        int ends[2];
        char byte = 0;
        if (pipe(ends) != 0) return 2;
        lines.say("waits");
        return read(ends[0], &byte, 1) == -1 && errno == EINTR && stop_requested() ? 0 : 3;
    });
    lines.wait_for("waits");
    // Repeated, as the supervisor does it: the first may come before the read.
    siginfo_t ended{};
    while (ended.si_pid == 0) {
        kill(pid, SIGTERM);
        waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT);
    }
    CHECK(myq::test::wait_for(pid) == 0);
}

TEST_CASE("signals: SIGUSR1 opens the log at once, while a worker waits, and it waits on") {
    static const Lines* log = nullptr;
    Lines said;
    log = &said;
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t pid = myq::test::fork_child([&] {
        become_interruptible(getppid(), [] {
            errno = ENOENT;
            log->say("opened");
        });
        said.say("waits");
        char byte = 0;
        return read(ends[0], &byte, 1) == 1 ? 0 : 2;
    });
    said.wait_for("waits");
    kill(pid, SIGUSR1);
    said.wait_for("opened");
    CHECK(write(ends[1], "x", 1) == 1);
    CHECK(myq::test::wait_for(pid) == 0);
    close(ends[0]);
    close(ends[1]);
}

TEST_CASE("signals: opening the log in the middle of something leaves errno alone") {
    CHECK(in_child([] {
              become_interruptible(getppid(), [] { errno = ENOENT; });
              errno = EDOM;
              raise(SIGUSR1);
              return errno == EDOM ? 0 : 2;
          }) == 0);
}

TEST_CASE("signals: a worker whose supervisor dies leaves, even when one signal is missed") {
    Lines lines;
    const pid_t supervisor = myq::test::fork_child([&] {
        const pid_t self = getpid();
        const pid_t worker = myq::test::fork_child([&] {
            become_interruptible(self, [] {});
            lines.say("works");
            while (!stop_requested())
                pause();
            // As if the signal had come just before msgrcv(): the next one comes by itself.
            pause();
            lines.say("leaves");
            return 0;
        });
        static_cast<void>(worker);
        lines.close_out();
        pause();
        return 0;
    });
    lines.close_out();
    lines.wait_for("works");
    kill(supervisor, SIGKILL);
    CHECK(myq::test::wait_for(supervisor) == -SIGKILL);
    lines.wait_for("leaves");
}

TEST_CASE("signals: a worker whose supervisor is gone already is told to leave at once") {
    CHECK(in_child([] {
              become_interruptible(getpid(), [] {});  // as if its parent were somebody else now
              if (!stop_requested()) return 2;
              pause();  // ended by the repetition
              return 0;
          }) == 0);
}

}  // TEST_SUITE("signals")
