#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// `myq limits`: what the kernel allows, what is in use, and what the config needs.
void add_limits(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
