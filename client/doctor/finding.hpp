#pragma once

#include <string>
#include <vector>

namespace myq::doctor {

// How bad it is. `unknown`: it could not be looked at, mostly for want of rights.
enum class Severity { fine, unknown, warning, error };

// What one check found.
struct Finding {
    Severity severity = Severity::fine;
    std::string subject;  // "queue jobs"
    std::string what;     // one line
    std::string fix;      // what to do; empty when there is nothing to do
};

using Findings = std::vector<Finding>;

}  // namespace myq::doctor
