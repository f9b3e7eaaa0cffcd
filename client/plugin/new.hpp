#pragma once

namespace CLI {
class App;
}

namespace myq {

// `myq plugin new`: a project for a plugin, which builds and passes its test at once.
void add_plugin_new(CLI::App& plugin);

}  // namespace myq
