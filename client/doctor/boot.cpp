#include "client/doctor/checks.hpp"

#include <fmt/format.h>

#include <pwd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <system_error>

namespace myq::doctor {

namespace {

namespace fs = std::filesystem;

// What Debian, and so its logind, takes for a user of the system's: login.defs(5), SYS_UID_MAX.
constexpr uid_t largest_system_uid = 999;

bool exists(const fs::path& path) {
    std::error_code error;
    return fs::exists(fs::symlink_status(path, error));
}

bool has_start_link() {
    for (const char level : {'2', '3', '4', '5'}) {
        std::error_code error;
        for (const auto& link : fs::directory_iterator(fmt::format("/etc/rc{}.d", level), error)) {
            const std::string name = link.path().filename();
            if (name.starts_with('S') && name.ends_with("myq")) return true;
        }
    }
    return false;
}

void check_start(const Patient& patient, Findings& findings) {
    if (patient.config_file != "/etc/myq/myq.yaml") return;  // not the system's own
    const bool has_systemd = exists("/run/systemd/system");
    if (has_systemd && !exists("/lib/systemd/system/myq.service") &&
        !exists("/etc/systemd/system/myq.service")) {
        findings.push_back({Severity::warning, "boot", "there is no unit myq.service",
                            "install the package again: apt-get install --reinstall myq"});
        return;
    }
    const bool is_enabled = has_systemd
                                ? exists("/etc/systemd/system/multi-user.target.wants/myq.service")
                                : has_start_link();
    if (is_enabled) {
        findings.push_back({Severity::fine, "boot", "the daemon is started at boot", ""});
    } else {
        findings.push_back({Severity::warning, "boot", "the daemon is not started at boot",
                            has_systemd ? "systemctl enable myq" : "update-rc.d myq defaults"});
    }
}

// The last word on RemoveIPC= in logind.conf(5) and what is dropped in beside it: a file in /etc
// hides one of the same name elsewhere, and the names set the order.
bool logind_removes() {
    std::map<std::string, fs::path> dropped_in;
    for (const char* dir : {"/usr/lib/systemd/logind.conf.d", "/run/systemd/logind.conf.d",
                            "/etc/systemd/logind.conf.d"}) {
        std::error_code error;
        for (const auto& file : fs::directory_iterator(dir, error))
            if (file.path().extension() == ".conf")
                dropped_in[file.path().filename()] = file.path();
    }
    std::vector<fs::path> files{"/etc/systemd/logind.conf"};
    for (const auto& [name, path] : dropped_in)
        files.push_back(path);
    bool removes = true;  // unless somebody says otherwise
    for (const fs::path& path : files) {
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);) {
            line.erase(std::remove(line.begin(), line.end(), ' '), line.end());
            const std::string key = "RemoveIPC=";
            if (!line.starts_with(key)) continue;
            const std::string value = line.substr(key.size());
            removes = value == "yes" || value == "true" || value == "on" || value == "1";
        }
    }
    return removes;
}

void check_logind(const Patient& patient, Findings& findings) {
    if (!exists("/run/systemd/seats") || !patient.config) return;  // no logind
    const std::string& user = patient.config->daemon.user;
    const passwd* entry = ::getpwnam(user.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (entry == nullptr) return;                    // `myqd -t` has said so
    if (entry->pw_uid > largest_system_uid && logind_removes()) {
        findings.push_back({Severity::error, "logind",
                            fmt::format("user {} is an ordinary user ({}): when its last session "
                                        "ends, logind removes its queues and what waits in them",
                                        user, entry->pw_uid),
                            "set daemon.user to a system user, or RemoveIPC=no in "
                            "/etc/systemd/logind.conf"});
    } else {
        findings.push_back({Severity::fine, "logind", "leaves the daemon's queues alone", ""});
    }
}

}  // namespace

void check_boot(const Patient& patient, Findings& findings) {
    check_start(patient, findings);
    check_logind(patient, findings);
}

}  // namespace myq::doctor
