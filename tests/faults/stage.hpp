#pragma once

#include "tests/support/checker.hpp"
#include "tests/support/daemon_process.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace myq::test {

// What a fault is played on: a daemon whose handler of every type is the ledger, with room for a
// megabyte in its queue and retries after 10 ms, and the checker of what it does.
class Stage {
public:
    struct Setup {
        std::size_t messages = 1'000;       // at most
        std::string durability = "memory";  // or "journal"
        int receivers = 2;
        std::size_t most = 1;  // messages in one call of the handler
        std::string capacity = "1MiB";
        int attempts = 1'000;      // a storm may kill the worker of one message again and again
        std::string handler = {};  // "timeout: 50ms": more keys of the handler
        std::string queue = {};    // "drain: true": more lines of the queue
        std::string daemon = {};   // "stop_timeout: 1s": more keys, as in DaemonProcess::Setup
        std::string journal = {};
    };

    explicit Stage(const Setup& setup);

    // So many processes were killed: each may have had as many messages as one call takes.
    void allow_for_killed(std::uint64_t processes) { checker.allow_repeats(processes * most); }

    const std::size_t most;
    DaemonProcess daemon;
    Checker checker;
};

}  // namespace myq::test
