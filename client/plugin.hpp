#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq plugin list|show: the handlers, as the daemon has them.
void add_plugin(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
