#pragma once

#include "config/config.hpp"

#include <filesystem>

namespace myq {

// The daemon's directories, by one rule for the daemon and for whoever looks for it: what the
// configuration names, else the system's own for root and for the system's own configuration,
// whoever asks, else the caller's. `config_file` is absolute.

// Where pid file, control socket and, on a tmpfs, slots are: see DaemonConfig::run_dir.
std::filesystem::path run_directory(const DaemonConfig& config,
                                    const std::filesystem::path& config_file);

// Where journal.db is: see JournalConfig::dir.
std::filesystem::path journal_directory(const JournalConfig& config,
                                        const std::filesystem::path& config_file);

}  // namespace myq
