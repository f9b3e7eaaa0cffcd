#include "client/doctor.hpp"

#include "client/doctor/checks.hpp"
#include "client/failure.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "ipc/printable.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace myq {

namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Severity;

// What a monitor makes of it: the worst finding is the exit status.
constexpr int status_warning = 1;
constexpr int status_error = 2;

std::string_view word(Severity severity) {
    switch (severity) {
    case Severity::fine:
        return "fine";
    case Severity::unknown:
        return "unknown";
    case Severity::warning:
        return "warning";
    case Severity::error:
        return "error";
    }
    return "";  // not reached: the enum has four values
}

Findings examine(const doctor::Patient& patient) {
    Findings findings;
    for (const auto check :
         {doctor::check_configuration, doctor::check_daemon, doctor::check_queues,
          doctor::check_limits, doctor::check_disk, doctor::check_boot})
        check(patient, findings);
    return findings;
}

std::string to_text(const Finding& finding) {
    std::string text = fmt::format("{:<8} {}: {}\n", word(finding.severity), finding.subject,
                                   printable(finding.what));
    if (!finding.fix.empty()) text += fmt::format("{:<8} fix: {}\n", "", printable(finding.fix));
    return text;
}

std::string to_json_line(const Finding& finding) {
    const nlohmann::ordered_json json = {{"severity", word(finding.severity)},
                                         {"subject", finding.subject},
                                         {"what", printable(finding.what)},
                                         {"fix", printable(finding.fix)}};
    return json.dump() + "\n";
}

void doctor_verb(bool as_json, const ConfigChoice& config) {
    const Findings findings = examine(doctor::look_at(config.file()));
    Severity worst = Severity::fine;
    for (const Finding& finding : findings) {
        print_out(as_json ? to_json_line(finding) : to_text(finding));
        worst = std::max(worst, finding.severity);
    }
    if (worst == Severity::error) throw QuietExit{status_error};
    if (worst == Severity::warning) throw QuietExit{status_warning};
}

}  // namespace

void add_doctor(CLI::App& app, const ConfigChoice& config) {
    auto as_json = std::make_shared<bool>(false);
    CLI::App* verb = app.add_subcommand(
        "doctor", "Look for what keeps messages from being handled, and say how to mend it");
    verb->add_flag("--json", *as_json, "One JSON object a line");
    verb->callback([as_json, &config] { doctor_verb(*as_json, config); });
}

}  // namespace myq
