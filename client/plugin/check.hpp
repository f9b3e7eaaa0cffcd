#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// `myq plugin check`: everything that the daemon would refuse a plugin for, and what makes one
// unsafe.
void add_plugin_check(CLI::App& plugin, const ConfigChoice& config);

}  // namespace myq
