#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq dead list: which messages are dead, and why.
void add_dead_list(CLI::App& dead, const ConfigChoice& config);

}  // namespace myq
