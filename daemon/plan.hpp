#pragma once

#include "config/config.hpp"
#include "daemon/handler_table.hpp"
#include "daemon/unix/privileges.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace myq {

// A queue with everything that handles its messages.
struct QueuePlan {
    QueueConfig config;
    std::vector<Route> routes;
};

// A configuration that this machine can run: user and groups exist, plugins were checked, probed
// and frozen, options are accepted, types that plugins name are routed.
struct Plan {
    Config config;
    Identity service;  // whom the daemon runs as
    std::vector<QueuePlan> queues;
    std::set<std::string> auto_routed;  // plugins that no line of the config names
    std::vector<std::string> remarks;   // what was refused and does no harm, a sentence each
};

// Reads the configuration and checks everything that can be checked without changing anything.
// Runs plugins' code only in throw-away processes, as the service user. Where root started the
// daemon, plugins must be root's, also on a reload long after the drop. A plugin among `running`
// keeps its types when another one wants them too.
// Throws ConfigError with every mistake found.
Plan make_plan(const std::filesystem::path& config_file, bool started_by_root,
               const std::set<std::string>& running = {});

// Whom the configuration has the daemon run as: as root the configured user, else the caller.
Identity service_identity(const DaemonConfig& config);

}  // namespace myq
