#include "daemon/unix/crash.hpp"
#include "tests/unit/daemon/child.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>

TEST_SUITE("crash") {

using namespace myq;
using namespace myq::test;

namespace {

// What a crashing process says of itself, where its parent reads it.
struct Said {
    int signal, code;
    std::uint64_t address;
    int calls;
    std::size_t frames;
    bool endless;  // the second call does not come back
    bool crashes;  // ... or crashes itself
};
Said* said = nullptr;

void note(const Crash& crash) {
    said->signal = crash.signal;
    said->code = crash.code;
    said->address = crash.address;
    ++said->calls;
    said->frames = crash.frames.size();
    while (said->calls == 2 && said->endless)
        ::pause();
    if (said->calls == 2 && said->crashes) {
        volatile int* nowhere = nullptr;
        *nowhere = 1;  // NOLINT: that is what it is for
    }
}

// The wait status of a child that notes crashes and then does `what`.
[[maybe_unused]] int crash(const std::function<void()>& what, const Said& wanted = {}) {
    if (said == nullptr) {
        said = static_cast<Said*>(::mmap(nullptr, sizeof(Said), PROT_READ | PROT_WRITE,
                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    }
    *said = wanted;
    const pid_t pid = fork_child([&] {
        note_crashes(note);
        what();
        return 0;
    });
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
}

[[maybe_unused]] bool died_of(int status, int signal) {
    return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

[[maybe_unused]] void store_nowhere() {
    volatile std::uintptr_t address = 0x10;
    *reinterpret_cast<volatile int*>(address) = 1;  // NOLINT: that is what it is for
}

[[gnu::noinline]] int overflow(volatile char* above, int depth) {
    volatile char frame[4096];
    frame[0] = above[0];
    return depth < 0 ? 0 : overflow(frame, depth + 1) + frame[0];
}

}  // namespace

// A sanitizer has handlers of its own, which are left alone.
#if !defined(__SANITIZE_ADDRESS__)

TEST_CASE("a crash is noted twice, without and with where it was, and ends as it would have") {
    CHECK(died_of(crash(store_nowhere), SIGSEGV));
    CHECK(said->signal == SIGSEGV);
    CHECK(said->code == SEGV_MAPERR);
    CHECK(said->address == 0x10);
    CHECK(said->calls == 2);
    CHECK(said->frames > 2);
    CHECK(died_of(crash([] { std::abort(); }), SIGABRT));
    CHECK(said->signal == SIGABRT);
    CHECK(said->address == 0);
    CHECK(said->frames > 2);
    CHECK(died_of(crash([] { ::raise(SIGFPE); }), SIGFPE));
    CHECK(died_of(crash([] { ::kill(::getpid(), SIGBUS); }), SIGBUS));
}

TEST_CASE("a stack that has run over is noted on another one") {
    CHECK(died_of(crash([] {
                      volatile char first = 0;
                      overflow(&first, 0);
                  }),
                  SIGSEGV));
    CHECK(said->calls == 2);
    CHECK(said->frames > 10);
}

TEST_CASE("a crash or a wait in the noting changes nothing of the end") {
    Said crashes{};
    crashes.crashes = true;
    CHECK(died_of(crash([] { std::abort(); }, crashes), SIGABRT));
    CHECK(said->calls == 2);
    Said endless{};
    endless.endless = true;
    CHECK(died_of(crash([] { std::abort(); }, endless), SIGABRT));
    CHECK(said->calls == 2);
}

TEST_CASE("whoever has a handler for a crash keeps it") {
    const int status = crash([] {});
    CHECK(WIFEXITED(status));
    ::signal(SIGFPE, [](int) { ::_exit(7); });
    CHECK(WEXITSTATUS(crash([] { ::raise(SIGFPE); })) == 7);
    ::signal(SIGFPE, SIG_DFL);
}

#endif

}  // TEST_SUITE("crash")
