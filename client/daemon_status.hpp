#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

// What the daemon answers to "status\n": one JSON object with members of these names.
struct DaemonStatus {
    struct Worker {
        pid_t pid = 0;
        std::string queue, role, slot, state;
        std::optional<std::int64_t> type;  // of the message in hand
        std::uint64_t messages = 0;        // since it was forked
        std::uint64_t attempt = 0;         // at the message in hand
    };
    struct Kernel {
        std::uint64_t messages = 0, bytes = 0, capacity = 0;
    };
    struct Type {
        std::optional<std::int64_t> type;  // nullopt: all that have no handler of their own
        std::string name;
        std::uint64_t handled = 0, retried = 0, dead = 0, expired = 0, dropped = 0, refused = 0;
        std::uint64_t slots = 0, ready = 0, delayed = 0, running = 0;

        std::uint64_t waiting() const { return slots + ready + delayed + running; }
    };
    struct Queue {
        std::string name, key, durability;
        std::optional<Kernel> kernel;  // nullopt: the queue is not there
        std::vector<Type> types;
    };

    struct Reload {
        std::int64_t at_ms;
        std::string refusal;  // why the configuration of before stays, "" if it does not
    };

    std::string version, state;
    pid_t pid = 0;
    std::int64_t started_ms = 0;
    std::optional<Reload> last_reload;
    std::vector<Worker> workers;
    std::vector<Queue> queues;
    std::string journal, journal_error;
};

// Throws std::invalid_argument with a sentence for what is no such object.
DaemonStatus parse_daemon_status(std::string_view text);

}  // namespace myq
