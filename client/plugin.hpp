#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// `myq plugin`: for whoever writes handlers, or drops in somebody else's.
void add_plugin(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
