#include "daemon/unix/signals.hpp"

#include "daemon/unix/failure.hpp"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/time.h>

namespace myq {

namespace {

volatile sig_atomic_t stopping = 0;
volatile sig_atomic_t supervisor_pid = 0;
void (*reopen_log)() = nullptr;

void on_stop(int) {
    stopping = 1;
    if (::getppid() == supervisor_pid) return;
    // Nobody is left to repeat the signal: see become_interruptible().
    const itimerval every_50ms{{0, 50'000}, {0, 50'000}};
    ::setitimer(ITIMER_REAL, &every_50ms, nullptr);
}

void on_reopen(int) {
    const int saved_errno = errno;
    reopen_log();
    errno = saved_errno;
}

void install(int signal, void (*handler)(int), int flags) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigemptyset(&action.sa_mask);
    if (::sigaction(signal, &action, nullptr) != 0) throw failure("sigaction");
}

sigset_t set_of(std::initializer_list<int> signals) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : signals)
        ::sigaddset(&set, signal);
    return set;
}

}  // namespace

void reset_signals() {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) {
        ::sigaction(signal, &standard, nullptr);  // SIGKILL and glibc's own refuse; so be it
    }
    standard.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &standard, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void hold_signals(std::initializer_list<int> signals) {
    const sigset_t set = set_of(signals);
    if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) throw failure("sigprocmask");
}

SignalQueue::SignalQueue(std::initializer_list<int> signals) {
    hold_signals(signals);
    const sigset_t set = set_of(signals);
    fd_ = Fd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!fd_) throw failure("signalfd");
}

std::optional<int> SignalQueue::next() {
    signalfd_siginfo info{};
    if (::read(fd_.value(), &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

void become_interruptible(pid_t supervisor, void (*reopen)()) {
    supervisor_pid = supervisor;
    reopen_log = reopen;
    install(SIGTERM, on_stop, 0);
    install(
        SIGALRM, [](int) {}, 0);
    install(SIGUSR1, on_reopen, SA_RESTART);
    install(SIGHUP, SIG_IGN, 0);
    install(SIGINT, SIG_IGN, 0);  // a terminal's Ctrl-C reaches everybody; the supervisor decides
    // In place of the SIGKILL that every child begins with: what is in hand is finished first. Then
    // look whether it came too late.
    if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) throw failure("prctl PR_SET_PDEATHSIG");
    if (::getppid() != supervisor) on_stop(SIGTERM);
}

bool stop_requested() {
    return stopping != 0;
}

void ask_self_to_leave() {
    stopping = 1;
}

}  // namespace myq
