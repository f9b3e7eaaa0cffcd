#pragma once

#include "daemon/unix/fence.hpp"

#include <chrono>

namespace myq {

// What a plugin may do while it is only looked at: read files, compute and make threads. No file
// but /dev/null is written, nothing is sent, no process is started, signalled or traced; memory,
// time, descriptors and the size of files in memory have an end. What the kernel lacks of it is
// left out. For the process that raises it.
Fence probe_fence(std::chrono::seconds time);

}  // namespace myq
