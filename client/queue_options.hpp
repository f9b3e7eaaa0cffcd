#pragma once

#include "ipc/message_queue.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace myq {

// What create and set can give a queue.
struct QueueOptions {
    std::optional<mode_t> mode;
    std::string user;
    std::string group;
    std::optional<std::uint64_t> capacity;

    void add(CLI::App& verb);

    bool any() const { return mode || !user.empty() || !group.empty() || capacity; }

    // With names looked up; throws Failure.
    QueueSettings settings() const;
};

}  // namespace myq
