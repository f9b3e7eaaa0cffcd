#include "config/directories.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace myq {

namespace {

bool is_the_system(const std::filesystem::path& config_file) {
    return ::geteuid() == 0 || config_file == "/etc/myq/myq.yaml";
}

// The XDG Base Directory Specification has relative paths ignored.
std::optional<std::filesystem::path> directory_in(const char* variable) {
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): one thread
    if (value == nullptr || *value != '/') return std::nullopt;
    return value;
}

std::filesystem::path home() {
    if (const auto named = directory_in("HOME")) return *named;
    const passwd* entry = ::getpwuid(::geteuid());  // NOLINT(concurrency-mt-unsafe): one thread
    return entry == nullptr ? "/" : entry->pw_dir;
}

}  // namespace

std::filesystem::path run_directory(const DaemonConfig& config,
                                    const std::filesystem::path& config_file) {
    if (!config.run_dir.empty()) return config.run_dir;
    if (is_the_system(config_file)) return "/run/myq";
    if (const auto runtime = directory_in("XDG_RUNTIME_DIR")) return *runtime / "myq";
    return "/tmp/myq-" + std::to_string(::geteuid());
}

std::filesystem::path journal_directory(const JournalConfig& config,
                                        const std::filesystem::path& config_file) {
    if (!config.dir.empty()) return config.dir;
    if (is_the_system(config_file)) return "/var/lib/myq";
    if (const auto state = directory_in("XDG_STATE_HOME")) return *state / "myq";
    return home() / ".local/state/myq";
}

}  // namespace myq
