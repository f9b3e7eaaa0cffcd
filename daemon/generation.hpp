#pragma once

#include "daemon/worker_process.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace myq {

// A worker that is forked when there is work for it, and leaves by itself when there is none.
struct OnDemand {
    struct Answer {
        bool is_wanted = false;
        std::optional<std::chrono::milliseconds>
            ask_again;  // at the latest; not set: when `fd` says
    };

    std::shared_ptr<const WorkerSpec> spec;
    int fd = -1;                       // readable when it is time to ask; -1: none
    std::function<Answer()> ask;       // whether it is wanted now; asked while there is none
    std::function<void()> look_again;  // one ended out of turn: it may have left work behind
};

// What is done for a queue when the daemon stops for longer than slots last.
struct Drain {
    std::shared_ptr<const WorkerSpec> queue;  // empties the kernel queue
    std::shared_ptr<const WorkerSpec> slot;   // empties one slot
};

// A set of workers that belong to one reading of the configuration.
struct Generation {
    std::vector<std::shared_ptr<const WorkerSpec>> workers;
    std::vector<OnDemand> on_demand;
    std::vector<Drain> drains;
    std::vector<std::function<void()>> look_again;  // at what came into the journal from outside
    std::vector<int> bells;                         // the descriptors that look_again writes to
    std::chrono::milliseconds stop_timeout{10'000};
    std::optional<std::chrono::milliseconds> shortest_timeout;  // of any handler
};

}  // namespace myq
