#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace myq {

// The options of a handler that is not one of the configuration's, for myqd.
struct HandlerOptions {
    std::vector<std::string> words;
    std::filesystem::path file;

    void add(CLI::App& verb);

    void append_to(std::vector<std::string>& command) const;
};

}  // namespace myq
