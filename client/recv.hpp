#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq recv DEST: takes messages out of a queue and writes them to standard output.
void add_recv(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
