#pragma once

namespace CLI {
class App;
}

namespace myq {

// `myq shm ...`: shared variables as PHP's shm_attach() keeps them.
void add_shm(CLI::App& app);

}  // namespace myq
