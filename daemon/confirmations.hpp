#pragma once

#include "daemon/orphan_sweep.hpp"
#include "ipc/envelope.hpp"
#include "ipc/reply_queue.hpp"

#include <unistd.h>

#include <cstdint>
#include <vector>

namespace myq {

// Collects what senders are to be told, and tells each of them in one message: confirmations of one
// sender come in runs.
class Confirmations {
public:
    void add(const ConfirmAddress& asker, ConfirmStatus status);

    // Sends what was collected, waiting for nobody: an asker that does not read, or is gone, or is
    // not what it should be is left alone.
    void send();

private:
    struct Asker {
        std::int32_t queue_id;
        std::int64_t token;
        std::vector<ConfirmRun> runs;
    };

    std::vector<Asker> askers_;
    ReplySender sender_{::geteuid()};
    OrphanSweep sweep_;
};

}  // namespace myq
