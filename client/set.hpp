#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq set DEST: changes owner, group, mode and capacity of a queue in one step.
void add_set(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
