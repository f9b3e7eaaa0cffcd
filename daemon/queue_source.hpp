#pragma once

#include "daemon/served_queue.hpp"
#include "daemon/source.hpp"

namespace myq {

// The kernel queue: one msgrcv(2) a message, straight into the slot.
class QueueSource : public Source {
public:
    // As ServedQueue.
    QueueSource(const QueueConfig& config, Selector selector, const Identity& service)
        : queue_(config, service),
          selector_(selector) {}

    Fetch fetch(Slot& slot) override;
    bool fetch_more(Slot& slot) override;

    int queue_id() const { return queue_.queue().id(); }

private:
    ServedQueue queue_;
    Selector selector_;
};

}  // namespace myq
