#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// `myq plugin try`: one message for a plugin, without a daemon.
void add_plugin_try(CLI::App& plugin, const ConfigChoice& config);

}  // namespace myq
