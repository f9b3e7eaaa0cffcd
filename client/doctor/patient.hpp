#pragma once

#include "client/daemon_status.hpp"
#include "config/config.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace myq::doctor {

// What is looked at: one configuration and its daemon, where there are such.
struct Patient {
    std::filesystem::path config_file;  // absolute
    std::optional<Config> config;       // nothing: it cannot be read
    std::string config_error;           // why, a line for each mistake
    std::filesystem::path run_dir;
    std::optional<DaemonStatus> daemon;  // nothing: no daemon answers
    std::string daemon_error;            // why, if it is not that there is none
};

Patient look_at(const std::filesystem::path& config_file);

}  // namespace myq::doctor
