#include "daemon/orphan_sweep.hpp"

#include "daemon/unix/clock.hpp"
#include "ipc/reply_queue.hpp"

#include <unistd.h>

#include <chrono>

namespace myq {

void OrphanSweep::now_and_then() {
    constexpr std::int64_t minute_ns = 60'000'000'000;
    const std::int64_t now = coarse_monotonic_ns();
    if (swept_ns_ != 0 && now - swept_ns_ < minute_ns) return;
    swept_ns_ = now;
    try {
        remove_orphaned_reply_queues(::geteuid(), std::chrono::hours{24});
    } catch (const IpcError&) {
        // Next time: it is a favour to the machine, and none of a message's business.
    }
}

}  // namespace myq
