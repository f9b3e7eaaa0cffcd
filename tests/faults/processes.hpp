#pragma once

#include "tests/support/daemon_process.hpp"
#include "tests/support/skip.hpp"

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace myq::test {

// Every process that runs the daemon's binary in the world of this test, whoever its parent is.
std::vector<pid_t> daemon_processes();

// SIGKILL to all of them, until there is none: also to one that starts. Returns how many that were.
int kill_every_process();

// What it has used of a CPU since it began; 0 when it is gone.
std::chrono::milliseconds cpu_time(pid_t pid);

}  // namespace myq::test
