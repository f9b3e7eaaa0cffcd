#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq peek DEST: shows the messages of a queue and leaves them there.
void add_peek(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
