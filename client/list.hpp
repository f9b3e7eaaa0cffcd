#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq list: every queue of this machine.
void add_list(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
