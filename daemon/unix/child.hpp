#pragma once

#include "daemon/unix/owned.hpp"

#include <functional>
#include <string>

namespace myq {

// The one place that forks a child of the daemon. The child runs `body` with every signal at its
// default and none blocked, and leaves by _exit(body()): it never returns to the caller and runs no
// destructor of the parent's. An exception in `body` ends the child with std::terminate.
// Throws std::system_error when the machine has no room for another process.
ChildPid fork_child(const std::function<int()>& body);

// "exit status 3" or "killed by SIGSEGV", for a status from waitpid(2).
std::string describe_exit(int wait_status);

}  // namespace myq
