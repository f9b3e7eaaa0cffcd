#include "client/daemon_socket.hpp"
#include "client/doctor/checks.hpp"
#include "config/run_state.hpp"

#include <fmt/format.h>

#include <fstream>
#include <system_error>

namespace myq::doctor {

namespace {

namespace fs = std::filesystem;

constexpr const char* about_daemon = "daemon";

// A number in the pid file of a daemon that does not answer: it was killed.
bool has_stale_pid_file(const fs::path& run_dir) {
    std::ifstream file(run_dir / pid_file_name);
    pid_t pid = 0;
    return static_cast<bool>(file >> pid);
}

void not_running(const Patient& patient, Findings& findings) {
    if (!patient.daemon_error.empty()) {
        findings.push_back({Severity::error, about_daemon, patient.daemon_error, ""});
        return;
    }
    findings.push_back(
        {Severity::error, about_daemon,
         fmt::format("not running: no one listens at {}{}", daemon_socket(patient.run_dir).string(),
                     has_stale_pid_file(patient.run_dir)
                         ? ", and it did not end in order: its pid file has a number left"
                         : ""),
         "service myq start"});
}

// Queues of another namespace are not ours, though their keys look the same. Senders in a
// container, and services with PrivateIPC=, live in one.
void check_namespace(pid_t pid, Findings& findings) {
    std::error_code error;
    const fs::path ours = fs::read_symlink("/proc/self/ns/ipc", error);
    const fs::path its = fs::read_symlink(fmt::format("/proc/{}/ns/ipc", pid), error);
    if (error) {
        findings.push_back({Severity::unknown, "IPC namespace",
                            "only root may see which one the daemon lives in", "run it as root"});
    } else if (ours != its) {
        findings.push_back(
            {Severity::error, "IPC namespace",
             fmt::format("the daemon is in {}, this program in {}: messages sent from here never "
                         "reach it",
                         its.string(), ours.string()),
             "run both in one: without PrivateIPC= (systemd), or with the host's (docker run "
             "--ipc=host)"});
    } else {
        findings.push_back({Severity::fine, "IPC namespace", "the daemon's and ours are one", ""});
    }
}

}  // namespace

void check_daemon(const Patient& patient, Findings& findings) {
    if (!patient.daemon) return not_running(patient, findings);
    const DaemonStatus& daemon = *patient.daemon;
    findings.push_back({Severity::fine, about_daemon,
                        fmt::format("version {}, pid {}, {} workers", daemon.version, daemon.pid,
                                    daemon.workers.size()),
                        ""});
    if (daemon.last_reload && !daemon.last_reload->refusal.empty()) {
        findings.push_back({Severity::warning, "reload",
                            fmt::format("the last one was refused, and the configuration of before "
                                        "stays: {}",
                                        daemon.last_reload->refusal),
                            "mend that, then: service myq reload"});
    }
    if (!daemon.journal_error.empty())
        findings.push_back({Severity::error, "journal", daemon.journal_error, ""});
    check_namespace(daemon.pid, findings);
}

}  // namespace myq::doctor
