#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq remove DEST: removes a queue with what is in it.
void add_remove(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
