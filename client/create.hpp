#pragma once

namespace CLI {
class App;
}

namespace myq {

// myq create --key KEY: makes a queue and prints its id.
void add_create(CLI::App& app);

}  // namespace myq
