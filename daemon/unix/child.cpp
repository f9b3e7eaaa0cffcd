#include "daemon/unix/child.hpp"

#include "daemon/unix/failure.hpp"
#include "daemon/unix/signals.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <syslog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

namespace myq {

namespace {

void close_from_list(const std::vector<int>& keep) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
    if (!directory) throw failure("cannot close what was inherited: close_range, /proc/self/fd");
    std::vector<int> open;
    while (const dirent* entry = ::readdir(directory.get())) {
        const int fd = std::atoi(entry->d_name);  // 0 for "." and ".."
        if (fd > STDERR_FILENO && fd != ::dirfd(directory.get())) open.push_back(fd);
    }
    for (const int fd : open) {
        if (!std::binary_search(keep.begin(), keep.end(), fd)) ::close(fd);
    }
}

// The child's first steps.
void begin_life(pid_t parent, const std::vector<int>& keep) {
    reset_signals();
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) throw failure("prctl PR_SET_PDEATHSIG");
    if (::getppid() != parent) ::_exit(EXIT_FAILURE);  // it came too late
    // Or syslog(3) would go on with a number that is somebody else's by then.
    ::closelog();
    close_all_but(keep);
}

}  // namespace

void close_all_but(std::vector<int> keep) {
    std::sort(keep.begin(), keep.end());
    auto first = static_cast<unsigned>(STDERR_FILENO + 1);
    for (const int fd : keep) {
        if (fd < static_cast<int>(first)) continue;
        const auto kept = static_cast<unsigned>(fd);
        if (kept > first && ::close_range(first, kept - 1, 0) != 0) return close_from_list(keep);
        first = kept + 1;
    }
    if (::close_range(first, ~0U, 0) != 0) close_from_list(keep);
}

ChildPid fork_child(const std::function<int()>& body, std::vector<int> keep) {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw failure("fork");
    if (pid > 0) return ChildPid{pid};
    ::_exit([&]() noexcept {
        try {
            begin_life(parent, keep);
        } catch (const std::exception& e) {
            std::fprintf(stderr, "myqd: a new process: %s\n", e.what());
            return EX_OSERR;
        }
        return body();
    }());
}

std::string describe_exit(int wait_status) {
    if (WIFSIGNALED(wait_status)) {
        const char* name = ::sigabbrev_np(WTERMSIG(wait_status));
        return name != nullptr ? std::string("killed by SIG") + name
                               : "killed by signal " + std::to_string(WTERMSIG(wait_status));
    }
    return "exit status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace myq
