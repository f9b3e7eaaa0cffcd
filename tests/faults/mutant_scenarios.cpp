#include "tests/faults/mutant_scenarios.hpp"

#include "tests/faults/flood.hpp"
#include "tests/faults/power_cut.hpp"
#include "tests/faults/scale.hpp"
#include "tests/faults/storm.hpp"

#include <fmt/format.h>

#include <grp.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace myq::test {

// In portions of 20 kills, each followed by a look whether something is lost, for which the queue
// must run empty: so it is a small one.
std::vector<std::string> kill_busy_workers(std::size_t most) {
    constexpr std::size_t portion = 20;
    constexpr std::size_t messages = 5'000'000;
    Stage stage({.messages = messages, .receivers = 3, .capacity = "16KiB"});
    if (const Run start = stage.daemon.start(); start.exit_code != 0) return {start.err};
    Storm storm(stage, seed());
    while (storm.worker_kills() < most && stage.checker.count_lost() == 0) {
        const std::uint64_t enough = storm.worker_kills() + portion;
        Flood flood(stage, messages, seed() + static_cast<unsigned>(enough));
        while (storm.worker_kills() < enough)
            storm.kill_worker();
    }
    fmt::print("{} kills\n", storm.worker_kills());
    return stage.checker.conclude();
}

std::vector<std::string> cut_the_power(int most) {
    PowerCuts machine;
    std::vector<std::string> broken;
    for (int round = 0; round < most && broken.empty(); ++round)
        broken = machine.cut();
    return broken;
}

std::vector<std::string> start_with_more_groups() {
    constexpr std::array<gid_t, 3> more{0, 4, 27};
    if (::setgroups(more.size(), more.data()) != 0)
        throw std::system_error(errno, std::generic_category(), "setgroups");
    const Stage stage({});
    const Run start = stage.daemon.start();
    ::setgroups(0, nullptr);
    if (start.exit_code != 0) return {start.err};
    std::vector<pid_t> all = stage.daemon.workers();
    all.push_back(stage.daemon.supervisor());
    const gid_t own = ::getgrnam("myq")->gr_gid;
    std::vector<std::string> broken;
    for (const pid_t pid : all) {
        const std::string status = read_file(fmt::format("/proc/{}/status", pid));
        const auto at = status.find("\nGroups:");
        const std::string groups = status.substr(at + 1, status.find('\n', at + 1) - at - 1);
        if (groups != fmt::format("Groups:\t{} ", own)) {
            broken.push_back(fmt::format("process {} of the daemon has other groups than the "
                                         "service user: {}",
                                         pid, groups));
        }
    }
    return broken;
}

}  // namespace myq::test
