#include "plugins/process/child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <memory>
#include <system_error>

namespace {

// Everything the child needs, made ready by the parent: it runs in the parent's memory and may
// neither allocate nor lock.
struct Launch {
    char* const* argv;
    char* const* environment;
    const char* directory;
    int in, out, err;
    pid_t parent;
    const char* failed_call;  // set by the child when it gives up, with `error`
    int error;
};

int give_up(Launch& launch, const char* call) {
    launch.error = errno;
    launch.failed_call = call;
    return 127;
}

// The child between clone(2) and execve(2). Every signal is blocked until its handler is gone: a
// handler of the worker's that ran here would write into the worker's memory.
int become_command(void* argument) {
    Launch& launch = *static_cast<Launch*>(argument);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) return give_up(launch, "prctl");
    if (getppid() != launch.parent) return 127;  // it died before the line above
    if (setpgid(0, 0) == -1) return give_up(launch, "setpgid");
    if (chdir(launch.directory) == -1) return give_up(launch, "chdir");
    if (dup2(launch.in, 0) == -1 || dup2(launch.out, 1) == -1 || dup2(launch.err, 2) == -1) {
        return give_up(launch, "dup2");
    }
    if (close_range(3, ~0U, 0) == -1) return give_up(launch, "close_range");

    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) {
        sigaction(signal, &standard, nullptr);  // refused for SIGKILL and the C library's own
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execve(launch.argv[0], launch.argv, launch.environment);
    return give_up(launch, "execve");
}

// The calling thread's signals, all held back while this lives.
class BlockedSignals {
public:
    BlockedSignals() {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &before_);
    }
    ~BlockedSignals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

private:
    sigset_t before_{};
};

// execve(2) takes arrays of pointers to char that it does not write to.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (const std::string& text : texts)
        list.push_back(const_cast<char*>(text.c_str()));
    list.push_back(nullptr);
    return list;
}

}  // namespace

// CLONE_VM | CLONE_VFORK, as posix_spawn(3) does it: no page tables are copied and the parent
// sleeps until the exec, so that an error can be told through memory. posix_spawn itself cannot set
// the parent-death signal.
Child::Child(const Command& command, const std::vector<std::string>& environment, const Fd& in,
             const Fd& out, const Fd& err) {
    const std::vector<char*> argv = pointers(command.argv);
    const std::vector<char*> envp = pointers(environment);
    Launch launch{argv.data(), envp.data(), command.directory.c_str(),
                  in.get(),    out.get(),   err.get(),
                  getpid(),    nullptr,     0};

    constexpr std::size_t stack_size = 65536;
    using Stack = std::array<std::byte, stack_size>;
    const auto stack = std::make_unique<Stack>();
    int pidfd = -1;
    {
        const BlockedSignals blocked;
        pid_ = clone(become_command, stack->data() + stack->size(),
                     CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &launch, &pidfd);
    }
    if (pid_ == -1) throw std::system_error(errno, std::generic_category(), "clone");
    pidfd_ = Fd(pidfd);
    if (launch.failed_call != nullptr) {
        reap();
        throw std::system_error(launch.error, std::generic_category(), launch.failed_call);
    }
}

Child::~Child() {
    if (pid_ == -1) return;
    signal_group(SIGKILL);
    reap();
}

void Child::signal_group(int signal) const {
    ::kill(-pid_, signal);  // ESRCH: all have ended already
}

Child::End Child::reap() {
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) == -1) {
        if (errno == EINTR) continue;
        pid_ = -1;
        throw std::system_error(errno, std::generic_category(), "waitid");
    }
    pid_ = -1;
    return {info.si_code != CLD_EXITED, info.si_status};
}

Fd above_standard(Fd fd) {
    if (!fd || fd.get() > 2) return fd;
    return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}
