#include "bench/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

namespace myq::bench {

namespace {

std::string processor_model() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    }
    return "unknown processor";
}

std::string spread(const Samples& samples) {
    return fmt::format("{:>9.0f} {:>9.0f} {:>9.0f}", samples.median(), samples.min(),
                       samples.max());
}

nlohmann::ordered_json json(const Contest& contest) {
    const auto both = [&](auto number) {
        return nlohmann::ordered_json{{"baseline", number(contest.bare)},
                                      {"myqd", number(contest.daemon)}};
    };
    return {{"scenario", contest.scenario},
            {"baseline", "bare msgsnd and msgrcv"},
            {"ratio", contest.ratio()},
            {"unit", contest.unit},
            {"median", both([](const Samples& samples) { return samples.median(); })},
            {"min", both([](const Samples& samples) { return samples.min(); })},
            {"max", both([](const Samples& samples) { return samples.max(); })},
            {"rounds", contest.bare.size()}};
}

nlohmann::ordered_json json(const Fact& fact) {
    nlohmann::ordered_json object{{"scenario", fact.scenario}, {"unit", fact.unit}};
    object["value"] = fact.skipped ? nlohmann::ordered_json() : nlohmann::ordered_json(fact.value);
    if (fact.limit > 0) object["limit"] = fact.limit;
    object["remark"] = fact.remark;
    return object;
}

nlohmann::ordered_json json(const Machine& machine) {
    return {{"scenario", "machine"},  {"kernel", machine.kernel}, {"processor", machine.processor},
            {"cores", machine.cores}, {"load", machine.load},     {"capacity", machine.capacity}};
}

}  // namespace

Machine this_machine(std::uint64_t capacity) {
    utsname system{};
    ::uname(&system);
    double load = 0;
    ::getloadavg(&load, 1);
    return {system.release, processor_model(), ::sysconf(_SC_NPROCESSORS_ONLN), load, capacity};
}

std::string table(const Report& report) {
    const Machine& machine = report.machine;
    std::string text =
        fmt::format("Linux {}, {} x {}, load {:.1f} before the run\n"
                    "queues of {} bytes; one sender, one receiver\n\n"
                    "{:<42}{:^29}   {:^29}   ratio\n{:<42}{:>9} {:>9} {:>9}   {:>9} {:>9} {:>9}\n",
                    machine.kernel, machine.cores, machine.processor, machine.load,
                    machine.capacity, "", "bare msgsnd and msgrcv", "myqd", "a second", "median",
                    "min", "max", "median", "min", "max");
    for (const Contest& contest : report.contests) {
        text += fmt::format("{:<42}{}   {}   {:>5.2f}\n", contest.scenario, spread(contest.bare),
                            spread(contest.daemon), contest.ratio());
    }
    text += '\n';
    for (const Fact& fact : report.facts) {
        const std::string value = fact.skipped ? "-"
                                               : fmt::format("{:.{}f} {}", fact.value,
                                                             fact.value < 100 ? 2 : 0, fact.unit);
        const std::string limit = fact.limit > 0 ? fmt::format("  (limit {:.0f})", fact.limit) : "";
        const std::string remark = fact.remark.empty() ? "" : "  " + fact.remark;
        text += fmt::format("{:<42}{}{}{}\n", fact.scenario, value, limit, remark);
    }
    return text;
}

std::string json_lines(const Report& report) {
    std::string text = json(report.machine).dump() + '\n';
    for (const Contest& contest : report.contests)
        text += json(contest).dump() + '\n';
    for (const Fact& fact : report.facts)
        text += json(fact).dump() + '\n';
    return text;
}

}  // namespace myq::bench
