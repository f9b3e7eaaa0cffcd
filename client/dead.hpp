#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq dead list|show|retry|drop: the messages that will not be tried again by themselves.
void add_dead(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
