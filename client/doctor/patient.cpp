#include "client/doctor/patient.hpp"

#include "client/daemon_socket.hpp"
#include "client/failure.hpp"
#include "config/directories.hpp"

#include <stdexcept>

namespace myq::doctor {

namespace {

void read_config(Patient& patient) {
    try {
        patient.config = load_config(patient.config_file, MYQ_PLUGIN_DIR);
    } catch (const std::exception& e) {
        patient.config_error = e.what();
    }
}

void ask(Patient& patient) {
    try {
        const auto answer = ask_daemon(patient.run_dir, "status\n");
        if (answer) patient.daemon = parse_daemon_status(*answer);
    } catch (const std::exception& e) {
        patient.daemon_error = e.what();
    }
}

}  // namespace

Patient look_at(const std::filesystem::path& config_file) {
    Patient patient;
    patient.config_file = config_file;
    read_config(patient);
    // A daemon is found whatever became of its file since it started.
    const DaemonConfig daemon =
        patient.config ? patient.config->daemon : load_daemon_config(config_file);
    patient.run_dir = run_directory(daemon, config_file);
    ask(patient);
    return patient;
}

}  // namespace myq::doctor
