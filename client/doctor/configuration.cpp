#include "client/doctor/checks.hpp"
#include "client/doctor/run.hpp"

#include <fmt/format.h>

#include <sstream>

namespace myq::doctor {

namespace {

constexpr const char* about_file = "configuration";

void add_lines(const std::string& text, Severity severity, const std::string& fix,
               Findings& findings) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (!line.empty()) findings.push_back({severity, about_file, line, fix});
}

}  // namespace

void check_configuration(const Patient& patient, Findings& findings) {
    const std::string file = patient.config_file.string();
    if (!patient.config) {
        return add_lines(patient.config_error, Severity::error,
                         fmt::format("mend {}, then: myqd -t", file), findings);
    }
    const auto check = run({"myqd", "-t", "-c", file});
    if (!check) {
        findings.push_back({Severity::unknown, about_file,
                            "myqd is not found, which would check it", "install the package myq"});
    } else if (check->status == 0) {
        add_lines(check->err, Severity::warning, "", findings);
        findings.push_back({Severity::fine, about_file, file, ""});
    } else {
        add_lines(check->err, Severity::error, "mend it, then: myqd -t", findings);
    }
}

}  // namespace myq::doctor
