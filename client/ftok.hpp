#pragma once

namespace CLI {
class App;
}

namespace myq {

// myq ftok PATH PROJECT: the key that ftok(3) makes of a file.
void add_ftok(CLI::App& app);

}  // namespace myq
