#include "client/doctor.hpp"

#include "client/doctor/checks.hpp"
#include "client/place.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <memory>

namespace myq {

namespace {

using doctor::Findings;

Findings examine(const doctor::Patient& patient) {
    Findings findings;
    struct Check {
        const char* about;
        void (*look)(const doctor::Patient&, Findings&);
    };
    // What one of them cannot see takes nothing away from the others.
    for (const Check& check :
         {Check{"configuration", doctor::check_configuration},
          Check{"daemon", doctor::check_daemon}, Check{"queues", doctor::check_queues},
          Check{"kernel limits", doctor::check_limits}, Check{"journal's disk", doctor::check_disk},
          Check{"boot", doctor::check_boot}}) {
        try {
            check.look(patient, findings);
        } catch (const std::exception& e) {
            findings.push_back({doctor::Severity::unknown, check.about, e.what(), ""});
        }
    }
    return findings;
}

void doctor_verb(bool as_json, const ConfigChoice& config) {
    doctor::report(examine(doctor::look_at(config.file())), as_json);
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
