#include "daemon/unix/crash.hpp"

#include "daemon/unix/failure.hpp"

#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace myq {

namespace {

constexpr std::array crash_signals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
constexpr int most_frames = 48;
constexpr std::size_t stack_size = 65536;

void (*note_crash)(const Crash&) = nullptr;
// The signal that the process dies of, once it does.
volatile sig_atomic_t dying_of = 0;

[[noreturn]] void die_of(int signal) {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::raise(signal);
    ::_exit(128 + signal);  // not reached
}

void* program_counter(void* context) {
#if defined(__x86_64__)
    const auto at = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
    return reinterpret_cast<void*>(at);  // NOLINT(performance-no-int-to-ptr): it is one
#elif defined(__aarch64__)
    const auto at = static_cast<ucontext_t*>(context)->uc_mcontext.pc;
    return reinterpret_cast<void*>(at);  // NOLINT(performance-no-int-to-ptr): it is one
#else
    (void)context;
    return nullptr;
#endif
}

// Without our own frames and the kernel's, if it can be told where those end.
std::span<void* const> trace(std::span<void*> frames, void* context) {
    const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
    const auto all = frames.first(static_cast<std::size_t>(std::max(count, 0)));
    const auto begin = std::find(all.begin(), all.end(), program_counter(context));
    if (begin == all.end()) return all;
    return all.subspan(static_cast<std::size_t>(begin - all.begin()));
}

void on_crash(int signal, siginfo_t* info, void* context);

// What waits for ever in here, on a lock that the crashed code holds perhaps, ends too.
void limit_time() {
    struct sigaction action {};
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGALRM, &action, nullptr);
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGALRM);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::alarm(2);
}

void on_crash(int signal, siginfo_t* info, void* context) {
    // A second one, while the first is noted, or the time for that is over.
    if (dying_of != 0) die_of(dying_of);
    dying_of = signal;
    limit_time();
    Crash crash{signal, info->si_code, 0, {}};
    const bool is_fault = info->si_code > 0 && signal != SIGABRT && signal != SIGSYS;
    if (is_fault) crash.address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    note_crash(crash);
    std::array<void*, most_frames> frames{};
    crash.frames = trace(frames, context);
    note_crash(crash);
    die_of(signal);
}

void install(int signal) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) return;
    action.sa_sigaction = on_crash;
    ::sigemptyset(&action.sa_mask);
    // Not blocked while it runs: what happens then must end it, and not be put off.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    ::sigaction(signal, &action, nullptr);
}

// One that a handler's endless recursion has not used up, with a page before it that faults.
void use_stack_of_its_own() {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* memory = ::mmap(nullptr, page + stack_size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw failure("no memory for a signal stack");
    ::mprotect(memory, page, PROT_NONE);
    stack_t stack{};
    stack.ss_sp = static_cast<char*>(memory) + page;
    stack.ss_size = stack_size;
    if (::sigaltstack(&stack, nullptr) != 0) throw failure("sigaltstack");
}

}  // namespace

void note_crashes(void (*note)(const Crash& crash)) {
    note_crash = note;
    // The first call loads and initialises the unwinder, which a signal handler must not.
    std::array<void*, 4> frames{};
    ::backtrace(frames.data(), frames.size());
    use_stack_of_its_own();
    for (const int signal : crash_signals)
        install(signal);
}

}  // namespace myq
