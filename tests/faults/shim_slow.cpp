// LD_PRELOAD: a slow machine. MYQ_SLOW_US=N: each fork, each program that is started and each
// mapping takes N microseconds longer, and so does each library that is opened, since the linker
// maps with no name that could be taken. The environment is read once, before main(): the daemon
// clears it.
#include <dlfcn.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>

namespace {

long delay_us = 0;

__attribute__((constructor)) void read_environment() {
    if (const char* number = getenv("MYQ_SLOW_US")) delay_us = atol(number);
}

void take_time() {
    const int error = errno;
    timespec left{delay_us / 1'000'000, delay_us % 1'000'000 * 1'000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
    errno = error;
}

template <typename Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

pid_t fork() noexcept {
    static auto* const real = next<pid_t()>("fork");
    take_time();
    return real();
}

int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, char* const* argv, char* const* environment) {
    static auto* const real = next<decltype(posix_spawn)>("posix_spawn");
    take_time();
    return real(pid, path, actions, attributes, argv, environment);
}

int posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                 const posix_spawnattr_t* attributes, char* const* argv, char* const* environment) {
    static auto* const real = next<decltype(posix_spawnp)>("posix_spawnp");
    take_time();
    return real(pid, file, actions, attributes, argv, environment);
}

// The optional arguments of clone(2) are three; of who passes fewer, the others are not looked at.
int clone(int (*body)(void*), void* stack, int flags, void* argument, ...) noexcept {
    static auto* const real = next<decltype(clone)>("clone");
    va_list more;
    va_start(more, argument);
    auto* const parent_tid = va_arg(more, pid_t*);
    auto* const tls = va_arg(more, void*);
    auto* const child_tid = va_arg(more, pid_t*);
    va_end(more);
    take_time();
    return real(body, stack, flags, argument, parent_tid, tls, child_tid);
}

void* mmap64(void* address, std::size_t size, int protection, int flags, int fd,
             off64_t offset) noexcept {
    take_time();
    return reinterpret_cast<void*>(syscall(SYS_mmap, address, size, protection, flags, fd, offset));
}

void* mmap(void* address, std::size_t size, int protection, int flags, int fd,
           off_t offset) noexcept {
    return mmap64(address, size, protection, flags, fd, offset);
}

void* dlopen(const char* file, int mode) noexcept {
    static auto* const real = next<decltype(dlopen)>("dlopen");
    take_time();
    return real(file, mode);
}
}
