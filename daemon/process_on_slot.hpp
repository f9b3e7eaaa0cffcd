#pragma once

#include "daemon/slot.hpp"
#include "daemon/worker_process.hpp"

#include <functional>
#include <string>

namespace myq {

// The frame of every child that works on a slot: from its first breath, with signals that ask it to
// leave, to its exit status. `body` calls ready() once it can do its work; what it throws before
// that is why it cannot start, and what it throws later is logged for `queue`.
int live_on_slot(
    const std::string& queue, const WorkerSeat& seat,
    const std::function<void(Slot&, const std::function<void()>& ready)>& body) noexcept;

}  // namespace myq
