#pragma once

#include "tests/support/daemon_process.hpp"

#include <map>
#include <string>
#include <vector>

namespace myq::test {

// Runs `myqd` with its configuration under strace(1), which follows it into the background until
// its last process has ended. `options` are strace's.
Run start_traced(const DaemonProcess& daemon, const std::vector<std::string>& options);

// How often the process that makes it most often makes each system call, in a trace that strace -f
// has written.
std::map<std::string, int> count_calls(const std::filesystem::path& trace);

}  // namespace myq::test
