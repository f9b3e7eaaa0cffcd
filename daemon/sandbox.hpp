#pragma once

#include "config/config.hpp"
#include "daemon/unix/fence.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

// `sandbox:` of a queue. Its workers put a fence around themselves before they start handlers, for
// ever, so all that needs more is done before: a worker opens its queue, and what its predecessor
// left for the journal goes there first (see run_worker()). Behind the fence it knows only its
// slot, its queue, its bell and the log. What it cannot settle alone it leaves in the slot, and
// leaves.
namespace myq {

// The fence that `sandbox` asks for. `queue`: the id of the one kernel queue that is received from.
Fence fence_of(const SandboxConfig& sandbox, std::optional<int> queue);

// Paths that no sandbox may open: the run directory, slots, the journal and the log.
std::vector<std::filesystem::path> paths_of_daemon(const Config& config,
                                                   const std::filesystem::path& config_file);

// Why this machine cannot have `sandbox`, a sentence each.
std::vector<std::string> problems_of(const SandboxConfig& sandbox,
                                     const std::vector<std::filesystem::path>& of_daemon);

}  // namespace myq
