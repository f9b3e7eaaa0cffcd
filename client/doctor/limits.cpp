#include "client/doctor/checks.hpp"
#include "client/kernel_table.hpp"

#include <fmt/format.h>

namespace myq::doctor {

void check_limits(const Patient& patient, Findings& findings) {
    const std::size_t before = findings.size();
    for (const KernelRow& row : kernel_table(patient.config)) {
        // A daemon that root started may give its queues more than msgmnb.
        const bool may_exceed = row.name == "kernel.msgmnb";
        if (row.is_too_small() && !may_exceed) {
            findings.push_back(
                {Severity::error, row.name,
                 fmt::format("{} {} are allowed, {} needed", row.value, row.meaning, *row.needed),
                 fmt::format("sysctl -w {}={}", row.name, *row.needed)});
        }
        if (row.is_nearly_used()) {
            findings.push_back(
                {Severity::warning, row.name,
                 fmt::format("{} of {} {} are in use", *row.in_use, row.value, row.meaning),
                 "ipcs shows whose they are; remove what is left over with ipcrm, "
                 "or raise it with sysctl"});
        }
    }
    if (findings.size() == before)
        findings.push_back({Severity::fine, "kernel limits", "large enough", ""});
}

}  // namespace myq::doctor
