#pragma once

#include "daemon/plan.hpp"
#include "daemon/slot_directory.hpp"

#include <sys/types.h>

#include <span>

namespace myq {

enum class SweepTime {
    at_start,  // nobody works: whatever message there is lies in a queue or in a slot
    at_work,   // one may be on its way from the queue to a slot, and is found the next time
};

// Removes the shared memory of blobs that were sent to these queues and whose message is nowhere,
// neither in a queue nor in a slot: their senders were killed, or the messages went with a queue
// that somebody removed. At work such a blob goes when it was seen so twice, a minute apart. Leaves
// alone what it cannot judge. Runs as the service user `self`; never throws. Returns how many.
//
// So too the memory of replies that no caller can come for any more, or that none was told of, for
// a minute; and before that the queues of callers that have died.
int sweep_blobs(std::span<const QueuePlan> queues, const SlotDirectory& slots, uid_t self,
                SweepTime when) noexcept;

// Whether there is any segment that sweep_blobs() would look at. Cheap, and reads nothing of it.
bool has_blobs_to_judge(uid_t self) noexcept;

}  // namespace myq
