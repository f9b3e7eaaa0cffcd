#include "tests/faults/processes.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <sstream>

namespace myq::test {

namespace {

namespace fs = std::filesystem;

pid_t pid_in(const std::string& name) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    return error == std::errc{} && end == name.data() + name.size() ? pid : 0;
}

}  // namespace

std::vector<pid_t> daemon_processes() {
    const fs::path binary = fs::canonical(DaemonProcess::binary());
    std::vector<pid_t> pids;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const pid_t pid = pid_in(entry.path().filename());
        if (pid > 0 && fs::read_symlink(entry.path() / "exe", gone) == binary) pids.push_back(pid);
    }
    return pids;
}

// Stopped first: none of them forks while the others are killed, but those that were just forked. A
// process has no program any more before it gives up its locks; what a pidfd says comes after both.
int kill_every_process() {
    int killed = 0;
    for (auto pids = daemon_processes(); !pids.empty(); pids = daemon_processes()) {
        for (const pid_t pid : pids)
            ::kill(pid, SIGSTOP);
        std::vector<pollfd> dying;
        for (const pid_t pid : pids) {
            dying.push_back({static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), POLLIN, 0});
            killed += ::kill(pid, SIGKILL) == 0 ? 1 : 0;
        }
        for (pollfd& one : dying) {
            while (one.fd >= 0 && ::poll(&one, 1, -1) < 0 && errno == EINTR) {
            }
            ::close(one.fd);
        }
    }
    return killed;
}

std::chrono::milliseconds cpu_time(pid_t pid) {
    const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) return {};
    std::istringstream fields(stat.substr(name_end + 1));
    std::string ignored;
    for (int i = 3; i < 14; ++i)
        fields >> ignored;
    long user = 0;
    long system = 0;
    fields >> user >> system;
    return std::chrono::milliseconds{(user + system) * 1'000 / ::sysconf(_SC_CLK_TCK)};
}

}  // namespace myq::test
