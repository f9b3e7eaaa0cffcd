#pragma once

namespace CLI {
class App;
}

namespace myq {

// `myq sem run`: a command that holds a semaphore while it runs.
void add_sem_run(CLI::App& sem);

}  // namespace myq
