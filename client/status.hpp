#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq status [QUEUE]: what the running daemon does and has done.
void add_status(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
