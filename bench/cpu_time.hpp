#pragma once

#include <sys/types.h>

namespace myq::bench {

// The processor time in seconds, user's and system's, that a process has used so far: the sum that
// /proc/PID/stat has in ticks, in nanoseconds. Throws std::system_error when it is gone.
double cpu_seconds(pid_t pid);

}  // namespace myq::bench
