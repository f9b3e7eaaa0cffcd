#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq dead show NUMBER: everything about a dead message, or its body.
void add_dead_show(CLI::App& dead, const ConfigChoice& config);

}  // namespace myq
