#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// `myq doctor`: looks for what keeps messages from being sent or handled, and says how to mend it.
void add_doctor(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
