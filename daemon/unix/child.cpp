#include "daemon/unix/child.hpp"

#include "daemon/unix/failure.hpp"
#include "daemon/unix/signals.hpp"

#include <string.h>

namespace myq {

ChildPid fork_child(const std::function<int()>& body) {
    const pid_t pid = ::fork();
    if (pid < 0) throw failure("fork");
    if (pid > 0) return ChildPid{pid};
    ::_exit([&]() noexcept {
        reset_signals();
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
