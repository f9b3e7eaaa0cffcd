#include "bench/facts.hpp"

#include "bench/command.hpp"
#include "bench/cpu_time.hpp"
#include "bench/mark.hpp"

#include <fmt/format.h>

#include <signal.h>

#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace myq::bench {

namespace {

constexpr double largest_worker_kib = 4096;

Fact skip(Fact fact, const std::string& reason) {
    fact.skipped = true;
    fact.remark = "skipped: " + reason;
    return fact;
}

// The name in "12 msgrcv(3, {1, "mm"..., 64}, 8192, 0, 0) = 64" or, if strace came in the middle of
// it, "12 <... msgrcv resumed>{1, ...}, 8192, 0, 0) = 64"; "" in whatever is no call that returned.
std::string name_of_call(const std::string& line) {
    constexpr std::string_view resumed = "<... ";
    if (line.find(") = ") == std::string::npos) return {};
    std::size_t begin = line.find_first_not_of("0123456789 ");
    if (begin == std::string::npos) return {};
    if (line.compare(begin, resumed.size(), resumed) == 0) begin += resumed.size();
    return line.substr(begin, line.find_first_of("( ", begin) - begin);
}

std::map<std::string, int> count_calls(const std::filesystem::path& trace) {
    std::map<std::string, int> calls;
    std::ifstream lines(trace);
    for (std::string line; std::getline(lines, line);) {
        if (const std::string name = name_of_call(line); !name.empty()) ++calls[name];
    }
    return calls;
}

double cpu_seconds(const std::vector<pid_t>& pids) {
    double sum = 0;
    for (const pid_t pid : pids)
        sum += bench::cpu_seconds(pid);
    return sum;
}

}  // namespace

Fact system_calls(const BenchDaemon& daemon, const Lane& lane, int messages) {
    Fact fact{.scenario = "system calls a message", .unit = "calls"};
    const OwnDirectory directory;
    const std::filesystem::path trace = directory.path() / "trace";
    try {
        Command strace({"strace", "-f", "-e", "trace=all", "-o", trace, "-p",
                        std::to_string(daemon.worker())});
        const std::string said = strace.read_line();
        if (said.find("attached") == std::string::npos) {
            return skip(fact, said.empty() ? "strace ended without a word" : said);
        }
        messages_per_second(lane, sizeof(Mark), messages);
        strace.signal(SIGTERM);
        strace.wait();
    } catch (const std::system_error& e) {
        return skip(fact, e.code() == std::errc::no_such_file_or_directory ? "strace is missing"
                                                                           : e.what());
    }
    int total = 0;
    for (const auto& [name, count] : count_calls(trace)) {
        // The last message's answer is the plugin's own call.
        const int counted = name == "msgsnd" ? count - 1 : count;
        if (counted <= 0) continue;
        total += counted;
        fact.remark += fmt::format("{}{:.2f} {}", fact.remark.empty() ? "" : ", ",
                                   static_cast<double>(counted) / messages, name);
    }
    fact.remark += fmt::format(", over {} messages", messages);
    fact.value = static_cast<double>(total) / messages;
    return fact;
}

Fact memory(const BenchDaemon& daemon) {
    Fact fact{.scenario = "memory of a worker (PSS)", .unit = "KiB", .limit = largest_worker_kib};
    std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", daemon.worker()));
    for (std::string word; rollup >> word;) {
        if (word == "Pss:" && rollup >> fact.value) return fact;
    }
    return skip(fact, "/proc/PID/smaps_rollup cannot be read");
}

Fact idle_cpu(const BenchDaemon& daemon, std::chrono::seconds watched) {
    const std::vector<pid_t> pids = daemon.processes();
    const double before = cpu_seconds(pids);
    std::this_thread::sleep_for(watched);  // watching nothing happen is the measurement
    const double used = cpu_seconds(pids) - before;
    return {.scenario = "processor time when idle",
            .unit = "us a second",
            .value = used * 1e6 / static_cast<double>(watched.count()),
            .remark = fmt::format("{} processes, watched for {} s", pids.size(), watched.count())};
}

Fact duration(const std::string& scenario, const Samples& milliseconds) {
    return {.scenario = scenario,
            .unit = "ms",
            .value = milliseconds.median(),
            .remark = fmt::format("{:.1f} to {:.1f} in {}", milliseconds.min(), milliseconds.max(),
                                  milliseconds.size())};
}

}  // namespace myq::bench
