#pragma once

#include "config/config.hpp"
#include "daemon/due_bell.hpp"
#include "daemon/handler_table.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/unix/privileges.hpp"
#include "daemon/worker_process.hpp"

#include <span>

namespace myq {

// What one worker does: messages of `queue` that `types` selects, through `routes`.
struct WorkerTask {
    const QueueConfig& queue;
    Selector types;
    std::span<const Route> routes;
    const Identity& service;
    const JournalPlace& journal;
    const DueBell& bell;
    // The kernel queue; the journal for good, while something is due, or for one message.
    enum class From { queue, journal, journal_while_due, journal_once } from = From::queue;
};

// A worker's whole life, in its own process, with privileges dropped: claims its slot, starts the
// handlers, reports ready, settles what the last worker left in the slot, then takes one message
// after the other until it is asked to leave. Returns its exit status.
int run_worker(const WorkerTask& task, const WorkerSeat& seat) noexcept;

// In a process of its own, when the daemon stops for longer than slots last: moves what is in the
// slot to the journal. Returns its exit status.
int shelve_slot(const WorkerTask& task, const WorkerSeat& seat) noexcept;

}  // namespace myq
