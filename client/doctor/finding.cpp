#include "client/doctor/finding.hpp"

#include "client/failure.hpp"
#include "client/output.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string_view>

namespace myq::doctor {

namespace {

// What a monitor makes of it: the worst finding is the exit status.
constexpr int status_warning = 1;
constexpr int status_error = 2;

std::string_view word(Severity severity) {
    switch (severity) {
    case Severity::fine:
        return "fine";
    case Severity::hint:
        return "hint";
    case Severity::unknown:
        return "unknown";
    case Severity::warning:
        return "warning";
    case Severity::error:
        return "error";
    }
    return "";  // not reached: the enum has five values
}

std::string to_text(const Finding& finding) {
    std::string text = fmt::format("{:<8} {}: {}\n", word(finding.severity), finding.subject,
                                   plain_line(finding.what));
    if (!finding.fix.empty()) text += fmt::format("{:<8} fix: {}\n", "", plain_line(finding.fix));
    return text;
}

std::string to_json_line(const Finding& finding) {
    const nlohmann::ordered_json json = {{"severity", word(finding.severity)},
                                         {"subject", finding.subject},
                                         {"what", plain_line(finding.what)},
                                         {"fix", plain_line(finding.fix)}};
    return json_line(json);
}

}  // namespace

void report(const Findings& findings, bool as_json) {
    Severity worst = Severity::fine;
    for (const Finding& finding : findings) {
        print_out(as_json ? to_json_line(finding) : to_text(finding));
        worst = std::max(worst, finding.severity);
    }
    if (worst == Severity::error) throw QuietExit{status_error};
    if (worst == Severity::warning) throw QuietExit{status_warning};
}

}  // namespace myq::doctor
