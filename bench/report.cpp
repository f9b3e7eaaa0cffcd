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

// Three digits that count, and no more where there are enough of them.
std::string number(double value) {
    return fmt::format("{:>9.{}f}", value, value < 100 ? 2 : 0);
}

std::string spread(const Samples& samples) {
    if (samples.size() == 0) return fmt::format("{:>29}", "-");
    return fmt::format("{} {} {}", number(samples.median()), number(samples.min()),
                       number(samples.max()));
}

nlohmann::ordered_json json(const Contest& contest) {
    const bool has_baseline = contest.baseline.size() > 0;
    const auto both = [&](auto number_of) {
        nlohmann::ordered_json object{{"baseline", nullptr}, {"myqd", number_of(contest.daemon)}};
        if (has_baseline) object["baseline"] = number_of(contest.baseline);
        return object;
    };
    nlohmann::ordered_json object{
        {"scenario", contest.scenario},
        {"baseline", contest.against},
        {"ratio", nullptr},
        {"unit", contest.unit},
        {"median", both([](const Samples& samples) { return samples.median(); })},
        {"min", both([](const Samples& samples) { return samples.min(); })},
        {"max", both([](const Samples& samples) { return samples.max(); })},
        {"rounds", contest.daemon.size()}};
    if (has_baseline) object["ratio"] = contest.ratio();
    if (contest.target > 0) object["target"] = contest.target;
    if (!contest.remark.empty()) object["remark"] = contest.remark;
    return object;
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

std::string heading(const Contest& contest) {
    return fmt::format("\n{:<42}{:^29}   {:^29}   ratio\n{:<42}{:>9} {:>9} {:>9}   {:>9} {:>9} "
                       "{:>9}\n",
                       "", contest.against, "myqd", contest.unit, "median", "min", "max", "median",
                       "min", "max");
}

std::string line(const Contest& contest) {
    const std::string ratio =
        contest.baseline.size() > 0 ? fmt::format("{:.2f}", contest.ratio()) : "-";
    const std::string target =
        contest.target > 0 ? fmt::format("  (target {:.4g})", contest.target) : "";
    const std::string remark = contest.remark.empty() ? "" : "  " + contest.remark;
    return fmt::format("{:<42}{}   {}   {:>5}{}{}\n", contest.scenario, spread(contest.baseline),
                       spread(contest.daemon), ratio, target, remark);
}

std::string line(const Fact& fact) {
    const std::string value =
        fact.skipped ? "-"
                     : fmt::format("{:.{}f} {}", fact.value, fact.value < 100 ? 2 : 0, fact.unit);
    const std::string limit = fact.limit > 0 ? fmt::format("  (limit {:.0f})", fact.limit) : "";
    const std::string remark = fact.remark.empty() ? "" : "  " + fact.remark;
    return fmt::format("{:<42}{}{}{}\n", fact.scenario, value, limit, remark);
}

}  // namespace

Machine this_machine() {
    utsname system{};
    ::uname(&system);
    double load = 0;
    ::getloadavg(&load, 1);
    return {system.release, processor_model(), ::sysconf(_SC_NPROCESSORS_ONLN), load, {}};
}

std::string table(const Report& report) {
    const Machine& machine = report.machine;
    std::string text = fmt::format("Linux {}, {} x {}, load {:.1f} before the run\n",
                                   machine.kernel, machine.cores, machine.processor, machine.load);
    if (machine.capacity > 0) text += fmt::format("queues of {} bytes\n", machine.capacity);
    const Contest* last = nullptr;
    for (const Contest& contest : report.contests) {
        if (last == nullptr || last->against != contest.against) text += heading(contest);
        text += line(contest);
        last = &contest;
    }
    if (!report.facts.empty()) text += '\n';
    for (const Fact& fact : report.facts)
        text += line(fact);
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
