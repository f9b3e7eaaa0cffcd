#pragma once

#include <string>
#include <vector>

namespace myq::doctor {

// How bad it is. `hint`: it could be better. `unknown`: it could not be looked at, mostly for want
// of rights.
enum class Severity { fine, hint, unknown, warning, error };

// What one check found.
struct Finding {
    Severity severity = Severity::fine;
    std::string subject;  // "queue jobs"
    std::string what;     // one line
    std::string fix;      // what to do; empty when there is nothing to do
};

using Findings = std::vector<Finding>;

// Prints them, as text or one JSON object a line. The worst is the exit status, for a monitor:
// throws QuietExit with 1 for a warning, 2 for an error.
void report(const Findings& findings, bool as_json);

}  // namespace myq::doctor
