#pragma once

namespace CLI {
class App;
}

namespace myq {

// `myq errno`: what an error number means for each call of System V IPC, and what to do about it.
void add_errno(CLI::App& app);

}  // namespace myq
