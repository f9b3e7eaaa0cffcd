#include "tests/faults/tracer.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

namespace myq::test {

Run start_traced(const DaemonProcess& daemon, const std::vector<std::string>& options) {
    std::vector<std::string> command{"strace", "-D", "-f", "-qq"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {DaemonProcess::binary(), "-c", daemon.config_file()});
    return run(command);
}

// "12345 openat(AT_FDCWD, ..." begins a call; "12345 <... openat resumed>" and "12345 --- SIGTERM"
// do not.
std::map<std::string, int> count_calls(const std::filesystem::path& trace) {
    std::map<std::pair<std::string, std::string>, int> by_process;
    std::ifstream lines(trace);
    std::string pid;
    std::string rest;
    while (lines >> pid && std::getline(lines >> std::ws, rest)) {
        const std::string name =
            rest.substr(0, rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"));
        if (!name.empty() && rest.size() > name.size() && rest[name.size()] == '(')
            ++by_process[{pid, name}];
    }
    std::map<std::string, int> most;
    for (const auto& [call, times] : by_process)
        most[call.second] = std::max(most[call.second], times);
    return most;
}

}  // namespace myq::test
