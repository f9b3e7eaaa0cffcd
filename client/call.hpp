#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq call: sends a message and waits for what its handler replies.
void add_call(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
