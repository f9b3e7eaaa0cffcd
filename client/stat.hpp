#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq stat DEST: everything the kernel knows about a queue.
void add_stat(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
