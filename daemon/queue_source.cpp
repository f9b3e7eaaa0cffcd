#include "daemon/queue_source.hpp"

#include <algorithm>

namespace myq {

Fetch QueueSource::fetch(Slot& slot) {
    const ReceiveResult result =
        queue_.receive(slot.buffer(), slot.body_capacity(), selector_, Wait::yes);
    switch (result.status) {
    case ReceiveStatus::received:
        slot.landed(result.size);
        return Fetch::message;
    case ReceiveStatus::too_big:
        // kernel.msgmax was raised after the slot was made, and perhaps lowered again since: twice
        // the size at least, until it fits.
        slot.need(std::max(largest_body(), 2 * slot.body_capacity()));
        return Fetch::does_not_fit;
    default:
        return Fetch::interrupted;
    }
}

bool QueueSource::fetch_more(Slot& slot) {
    Handful& handful = slot.handful();
    void* buffer = handful.next();
    if (buffer == nullptr) return false;
    const ReceiveResult result =
        queue_.receive(buffer, handful.next_capacity(), selector_, Wait::no);
    // One that has no room here stays in the queue.
    if (result.status != ReceiveStatus::received) return false;
    handful.landed(result.size);
    return true;
}

}  // namespace myq
