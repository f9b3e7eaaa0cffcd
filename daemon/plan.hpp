#pragma once

#include "config/config.hpp"
#include "daemon/handler_table.hpp"
#include "daemon/plugin_probe.hpp"
#include "daemon/unix/privileges.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace myq {

// A queue with everything that handles its messages.
struct QueuePlan {
    QueueConfig config;
    std::vector<Route> routes;
};

// A plugin that was read, probed and found fit, whether or not a message is routed to it.
struct FitPlugin {
    std::shared_ptr<const PluginImage> image;
    PluginDescription description;
    std::int64_t since_ms = 0;  // when it was read
};
using FitPlugins = std::map<std::string, FitPlugin>;  // by the name of their file

// Why a plugin is not used, or not for all that it wants.
struct Refusal {
    std::string plugin;
    std::string reason;  // "/dir/resize.so: why"
    enum class Of { file, type } of = Of::file;
    bool operator==(const Refusal&) const = default;
};

// A configuration that this machine can run: user and groups exist, plugins were checked, probed
// and frozen, options are accepted, types that plugins name are routed.
struct Plan {
    Config config;
    Identity service;  // whom the daemon runs as
    FitPlugins plugins;
    std::vector<QueuePlan> queues;
    std::set<std::string> auto_routed;  // plugins that no line of the config names
    std::vector<Refusal> refusals;      // of types that somebody else has, and of whole plugins

    // What was refused and does no harm, a sentence each.
    std::vector<std::string> remarks() const;
};

// The configuration's handlers that name this plugin.
std::vector<const HandlerConfig*> handlers_of(const Config& config, const std::string& plugin);

// What a plugin that no line of the configuration names is started with.
HandlerConfig handler_without_config(const PluginsConfig& plugins, const std::string& name);

// As whom plugins are probed; nullopt: as whoever we are.
std::optional<Identity> probe_identity(const Plan& plan);

// What a plan comes after.
struct Predecessor {
    const Plan* plan = nullptr;  // nullptr: nothing runs yet
    // Its plugins stay as they are, whatever their files have become (new code comes another way),
    // but for one whose options have become such that only what is in its file takes them.
    bool keeps_code = false;
    // Plugins of a daemon in another process, which has their code: a file that is not fit is no
    // mistake. Of those that are true it has refused the file, and knows better.
    std::map<std::string, bool> elsewhere = {};
};

// Reads the configuration and checks everything that can be checked without changing anything.
// Runs plugins' code only in throw-away processes, as the service user. Where root started the
// daemon, plugins must be root's, also on a reload long after the drop. A plugin of `before` keeps
// its types when another one wants them too, and its code where its file is fit no more.
// Throws ConfigError with every mistake found.
Plan make_plan(const std::filesystem::path& config_file, bool started_by_root,
               const Predecessor& before = {});

// The same configuration with other plugins. A handler whose plugin is not among them is retired:
// its messages go where the rest of the configuration says.
Plan with_plugins(const Plan& plan, FitPlugins plugins);

// Whom the configuration has the daemon run as: as root the configured user, else the caller.
Identity service_identity(const DaemonConfig& config);

}  // namespace myq
