#include "client/doctor.hpp"

#include "client/doctor/checks.hpp"
#include "client/place.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace myq {

namespace {

using doctor::Findings;

Findings examine(const doctor::Patient& patient) {
    Findings findings;
    for (const auto check :
         {doctor::check_configuration, doctor::check_daemon, doctor::check_queues,
          doctor::check_limits, doctor::check_disk, doctor::check_boot})
        check(patient, findings);
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
