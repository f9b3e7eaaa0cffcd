#pragma once

#include "daemon/unix/owned.hpp"

#include <sys/types.h>

#include <chrono>

namespace myq {

// Another process, by a pidfd: unlike its number, it never comes to mean somebody else.
class ProcessHandle {
public:
    // The process that has this pid now; whoever had it from elsewhere checks again afterwards that
    // it is still the one. False if there is none.
    explicit ProcessHandle(pid_t pid);
    ProcessHandle() = default;

    explicit operator bool() const { return static_cast<bool>(fd_); }

    // False with errno: EPERM, or ESRCH when it has ended. Signal 0 only asks whether one may.
    bool send(int signal) const;

    // True when it has ended, at the latest after `patience` (negative: however long it takes).
    bool wait_for_end(std::chrono::milliseconds patience) const;

private:
    Fd fd_;
};

}  // namespace myq
