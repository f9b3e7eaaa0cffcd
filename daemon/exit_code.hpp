#pragma once

#include <exception>

namespace myq {

// The sysexits(3) code for a failure of myqd: 78 when the configuration or a plugin is at fault,
// 77 for missing rights, 73 for what cannot be made, 71 for the rest of what a system call says,
// 1 for a daemon that runs already, 70 for a fault of ours.
int exit_code(const std::exception& failure);

}  // namespace myq
