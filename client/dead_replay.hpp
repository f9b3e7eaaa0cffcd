#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq dead replay: a message of the journal, once more, in the foreground.
void add_dead_replay(CLI::App& dead, const ConfigChoice& config);

}  // namespace myq
