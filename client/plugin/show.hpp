#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq plugin show: everything about one plugin.
void add_plugin_show(CLI::App& plugin, const ConfigChoice& config);

}  // namespace myq
