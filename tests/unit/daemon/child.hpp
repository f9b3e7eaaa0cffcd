#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace myq::test {

// Runs `body` in a child; its int is the exit status. An exception ends the child with SIGABRT: it
// must never unwind into the test runner, which would then run the rest of the tests twice. A child
// that crashes does so silently, without the test runner's report of it.
template <typename Body>
pid_t fork_child(Body body) {
    const pid_t pid = ::fork();
    if (pid < 0) std::abort();
    if (pid > 0) return pid;
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGTERM, SIGINT})
        ::signal(signal, SIG_DFL);
    ::_exit([&]() noexcept { return body(); }());
}

// The child's exit status, or minus the number of the signal that ended it.
inline int wait_for(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

template <typename Body>
int in_child(Body body) {
    return myq::test::wait_for(myq::test::fork_child(body));
}

// The same as user and group nobody, without any privilege.
template <typename Body>
int as_nobody(Body body) {
    return in_child([&] {
        constexpr uid_t nobody = 65534;
        if (::setgid(nobody) != 0 || ::setuid(nobody) != 0) return 99;
        return body();
    });
}

}  // namespace myq::test
