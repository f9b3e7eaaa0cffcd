#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq send DEST [BODY]: puts a message, or one for every line, into a queue.
void add_send(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
