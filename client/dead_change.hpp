#pragma once

namespace CLI {
class App;
}

namespace myq {

class ConfigChoice;

// myq dead retry: dead messages begin anew.
void add_dead_retry(CLI::App& dead, const ConfigChoice& config);

// myq dead drop: dead messages are gone for good.
void add_dead_drop(CLI::App& dead, const ConfigChoice& config);

// myq drop: messages that are put off are gone for good.
void add_drop(CLI::App& app, const ConfigChoice& config);

}  // namespace myq
