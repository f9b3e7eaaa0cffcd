#pragma once

namespace CLI {
class App;
}

namespace myq {

// `myq shm put|get|has|del|dump`: one segment's variables.
void add_shm_variable_verbs(CLI::App& shm);

}  // namespace myq
