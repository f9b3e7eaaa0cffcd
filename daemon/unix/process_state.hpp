#pragma once

#include "daemon/unix/owned.hpp"

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace myq {

// What code that is not ours may change in the process it runs in, and what the process needs as it
// was: signal mask, the actions of the signals that mean something to us, umask, working directory.
class ProcessState {
public:
    ProcessState();  // remembers the present state

    // Puts back what differs; says what that was ("signal mask, umask"), "" for nothing.
    std::string restore() const;

    // Whether descriptors 0 to 2 are open, and the last is as it was but for the file.
    bool has_standard_descriptors() const;

private:
    static constexpr std::array ours{SIGTERM, SIGUSR1, SIGALRM, SIGHUP, SIGINT, SIGPIPE};

    sigset_t mask_{};
    std::array<struct sigaction, ours.size()> actions_{};
    mode_t umask_ = 0;
    int error_flags_ = 0;  // of descriptor 2
    Fd directory_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

// How many descriptors this process has open.
std::size_t open_descriptors();

}  // namespace myq
