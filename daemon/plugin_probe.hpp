#pragma once

#include "config/config.hpp"
#include "daemon/plugin_image.hpp"
#include "daemon/unix/privileges.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace myq {

// What a plugin says of itself.
struct PluginDescription {
    std::string name, version;
    std::vector<std::int64_t> types;
};

struct ProbeResult {
    PluginDescription description;
    std::vector<std::string> problems;  // "where: options.x: reason", one for each wrong option
};

// Loads the plugin in a throw-away process, as `run_as` where given (for root), asks what it is,
// and has the options of each of `handlers` judged: first by the plugin's schema, then by its
// check(). A plugin that crashes, hangs for ten seconds or cannot be loaded harms nobody else.
// Throws PluginError.
ProbeResult probe_plugin(const PluginImage& image,
                         const std::vector<const HandlerConfig*>& handlers,
                         const std::optional<Identity>& run_as);

}  // namespace myq
