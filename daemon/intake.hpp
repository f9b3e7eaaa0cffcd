#pragma once

#include "daemon/worker.hpp"

namespace myq {

enum class IntakeMode {
    for_good,  // a journaled queue: every message goes through the journal
    relief,    // a queue that is nearly full: until it is half empty
    drain,     // the daemon stops: closes the queue to senders, then until it is empty
};

// When a kernel queue is nearly full, and when it is not any more: shares of its capacity.
constexpr double overflow_begins = 0.75;
constexpr double overflow_ends = 0.5;

// How full the queue is, in bytes or in messages, whichever is more: 0 to 1.
double fullness(const QueueStat& stat);

// An intake's whole life, in its own process: moves messages from the kernel queue to the journal,
// in batches, one transaction and one fsync(2) each, and then confirms them to senders that ask.
// Returns its exit status.
int run_intake(const WorkerTask& task, IntakeMode mode, const WorkerSeat& seat) noexcept;

}  // namespace myq
