#pragma once

#include "ipc/queue_key.hpp"

#include <string>

namespace CLI {
class App;
}

namespace myq {

// KEY, the first word of every verb on one semaphore or segment.
struct KeyArgument {
    std::string text;

    void add(CLI::App& verb);
    QueueKey key() const;  // throws Failure
};

}  // namespace myq
