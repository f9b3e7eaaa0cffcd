#pragma once

#include "daemon/unix/owned.hpp"

#include <functional>
#include <string>
#include <vector>

namespace myq {

// The one place that forks a child of the daemon. Of what the parent has open the child has 0 to 2
// and the descriptors of `keep` (-1 stands for none); all else is closed before `body` runs, since
// close-on-exec means nothing to a fork, and what a plugin holds it can use. Objects that it closed
// are still there: the body must not touch them.
//
// The child runs `body` with every signal at its default and none blocked, and leaves by
// _exit(body()): it never returns to the caller and runs no destructor of the parent's. It is
// killed when the parent ends, unless it says otherwise with PR_SET_PDEATHSIG (a drop of
// privileges does, too). An exception in `body` ends the child with std::terminate.
// Throws std::system_error when the machine has no room for another process.
ChildPid fork_child(const std::function<int()>& body, std::vector<int> keep = {});

// Closes every descriptor above 2 that is not in `keep`: with close_range(2), or one by one where
// an old container runtime forbids that. Throws std::system_error if neither can be done.
void close_all_but(std::vector<int> keep);

// "exit status 3" or "killed by SIGSEGV", for a status from waitpid(2).
std::string describe_exit(int wait_status);

}  // namespace myq
