#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace myq::test {

// Runs `body` in a child; its int is the exit status. An exception ends the child with SIGABRT: it
// must never unwind into the test runner, which would then run the rest of the tests twice.
template <typename Body>
pid_t fork_child(Body body) {
    const pid_t pid = fork();
    if (pid == 0) _exit([&]() noexcept { return body(); }());
    if (pid < 0) std::abort();
    return pid;
}

// Returns once the child has ended, and leaves its status to wait_for().
inline void await_end(pid_t pid) {
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
}

// The child's exit status, or minus the number of the signal that ended it.
inline int wait_for(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

template <typename Body>
int in_child(Body body) {
    return wait_for(fork_child(body));
}

// The same as user and group nobody, without any privilege.
template <typename Body>
int as_nobody(Body body) {
    return in_child([&] {
        constexpr uid_t nobody = 65534;
        if (setgid(nobody) != 0 || setuid(nobody) != 0) return 99;
        return body();
    });
}

inline std::string first_line(const std::string& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

// Returns once `pid` sleeps inside system call `number`; false if it ended instead.
inline bool blocks_in(pid_t pid, long number) {
    const std::string process = "/proc/" + std::to_string(pid);
    const std::string wanted = std::to_string(number) + " ";
    for (;;) {
        // A process that only lost the processor shows its system call too, so it must also sleep,
        // and in the same call before and after.
        const std::string call = first_line(process + "/syscall");
        const std::string stat = first_line(process + "/stat");
        const std::size_t name_end = stat.rfind(") ");
        if (name_end == std::string::npos || stat[name_end + 2] == 'Z') return false;
        if (call.starts_with(wanted) && stat[name_end + 2] == 'S' &&
            call == first_line(process + "/syscall")) {
            return true;
        }
    }
}

// Sleeps until it is killed, where rests() sees it.
inline int rest() {
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
    return 99;
}

inline bool rests(pid_t pid) {
    return blocks_in(pid, SYS_rt_sigsuspend);
}

}  // namespace myq::test
