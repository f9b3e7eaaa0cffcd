#include "daemon/unix/process_handle.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace myq {

// By syscall(2): the <sys/pidfd.h> of glibc 2.36 lacks C linkage for C++.
ProcessHandle::ProcessHandle(pid_t pid)
    : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

bool ProcessHandle::send(int signal) const {
    return ::syscall(SYS_pidfd_send_signal, fd_.value(), signal, nullptr, 0) == 0;
}

bool ProcessHandle::wait_for_end(std::chrono::milliseconds patience) const {
    pollfd ended{fd_.value(), POLLIN, 0};
    return ::poll(&ended, 1, static_cast<int>(patience.count())) > 0;
}

}  // namespace myq
