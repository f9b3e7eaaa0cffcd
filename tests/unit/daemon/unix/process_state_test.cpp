#include "daemon/unix/process_state.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

TEST_SUITE("process_state") {

using namespace myq;
using namespace myq::test;

namespace {

void on_signal(int) {}

mode_t current_umask() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return mask;
}

void block(int signal) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

bool is_blocked(int signal) {
    sigset_t set;
    ::sigprocmask(SIG_BLOCK, nullptr, &set);
    return ::sigismember(&set, signal) == 1;
}

auto handler_of(int signal) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    return action.sa_handler;
}

}  // namespace

TEST_CASE("what was changed is put back, and named") {
    struct Row {
        const char* named;
        std::function<void()> change;
    };
    const Row rows[] = {
        {"", [] {}},
        {"signal mask", [] { block(SIGTERM); }},
        {"signal mask", [] { block(SIGRTMAX); }},
        {"signal handlers", [] { ::signal(SIGTERM, SIG_IGN); }},
        {"signal handlers", [] { ::signal(SIGALRM, SIG_DFL); }},
        {"signal handlers", [] { ::signal(SIGPIPE, SIG_DFL); }},
        {"umask", [] { ::umask(0); }},
        {"working directory", [] { std::filesystem::current_path("/tmp"); }},
        {"signal mask, signal handlers, umask, working directory",
         [] {
             block(SIGUSR1);
             ::signal(SIGHUP, SIG_DFL);
             ::signal(SIGINT, SIG_DFL);
             ::umask(0777);
             std::filesystem::current_path("/tmp");
         }},
    };
    for (const Row& row : rows) {
        CAPTURE(row.named);
        const RunDir home;
        CHECK(in_child([&] {
                  std::filesystem::current_path(home.path());
                  ::umask(027);
                  ::signal(SIGPIPE, SIG_IGN);
                  for (const int signal : {SIGTERM, SIGUSR1, SIGALRM, SIGHUP, SIGINT})
                      ::signal(signal, on_signal);
                  block(SIGCHLD);
                  const ProcessState state;
                  row.change();
                  if (state.restore() != row.named) return 2;
                  for (const int signal : {SIGTERM, SIGUSR1, SIGALRM, SIGHUP, SIGINT}) {
                      if (handler_of(signal) != on_signal) return 3;
                  }
                  if (handler_of(SIGPIPE) != SIG_IGN) return 4;
                  if (current_umask() != 027) return 5;
                  if (std::filesystem::current_path() != home.path()) return 6;
                  if (is_blocked(SIGTERM) || is_blocked(SIGUSR1) || !is_blocked(SIGCHLD)) return 7;
                  return state.restore().empty() ? 0 : 8;
              }) == 0);
    }
}

TEST_CASE("a working directory that was removed is still the one to come back to") {
    const RunDir home;
    CHECK(in_child([&] {
              std::filesystem::create_directory(home / "gone");
              std::filesystem::current_path(home / "gone");
              const ProcessState state;
              std::filesystem::remove(home / "gone");
              if (!state.restore().empty()) return 2;
              std::filesystem::current_path("/");
              if (state.restore() != "working directory") return 3;
              return state.restore().empty() ? 0 : 4;
          }) == 0);
}

TEST_CASE("the state is remembered as it was when the object was made") {
    CHECK(in_child([] {
              ::umask(011);
              const ProcessState state;
              ::umask(022);
              const ProcessState later;
              if (state.restore() != "umask" || current_umask() != 011) return 2;
              return later.restore() == "umask" && current_umask() == 022 ? 0 : 3;
          }) == 0);
}

TEST_CASE("open descriptors are counted") {
    const std::size_t before = open_descriptors();
    CHECK(before > 2);
    {
        std::vector<Fd> held;
        for (int i = 0; i < 100; ++i)
            held.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        CHECK(open_descriptors() == before + 100);
    }
    CHECK(open_descriptors() == before);
}

}  // TEST_SUITE("process_state")
