#pragma once

namespace CLI {
class App;
}

namespace myq {

// `myq sem ...`: semaphores as PHP's sem_get() makes them.
void add_sem(CLI::App& app);

}  // namespace myq
