#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq plugin list: which plugins there are, and what has become of each.
void add_plugin_list(CLI::App& plugin, const ConfigChoice& config);

}  // namespace myq
