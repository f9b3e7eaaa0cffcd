#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace myq {

// Sends a request, a line, to the daemon of this run directory and returns all that it answers.
// nullopt when no daemon listens. Throws Failure for one that may not be asked, or is silent.
std::optional<std::string> ask_daemon(const std::filesystem::path& run_dir,
                                      std::string_view request);

// Where it listens.
std::filesystem::path daemon_socket(const std::filesystem::path& run_dir);

}  // namespace myq
