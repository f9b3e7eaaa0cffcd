#include "tests/faults/disk_errors.hpp"

#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>

#include <signal.h>

#include <algorithm>
#include <stdexcept>

namespace myq::test {

namespace {

bool is_traced(pid_t process) {
    const std::string status = read_file(fmt::format("/proc/{}/status", process));
    return status.find("\nTracerPid:\t") != std::string::npos &&
           status.find("\nTracerPid:\t0\n") == std::string::npos;
}

}  // namespace

DiskErrors::DiskErrors(const std::vector<pid_t>& processes, const std::string& calls,
                       const std::string& fault)
    : processes_(processes) {
    std::string command =
        fmt::format("strace -qq -o /dev/null -e trace={0} -e inject={0}:{1}", calls, fault);
    for (const pid_t process : processes_)
        command += fmt::format(" -p {}", process);
    const Run started = run({"sh", "-c", command + " >/dev/null 2>&1 & echo $!"});
    strace_ = static_cast<pid_t>(std::stol(started.out));
    const bool all =
        eventually([&] { return std::all_of(processes_.begin(), processes_.end(), is_traced); });
    if (!all) throw std::runtime_error("strace does not attach: " + command);
}

// It lets go of them in order when it is asked to end.
DiskErrors::~DiskErrors() {
    ::kill(strace_, SIGTERM);
    eventually([&] { return std::none_of(processes_.begin(), processes_.end(), is_traced); });
}

}  // namespace myq::test
