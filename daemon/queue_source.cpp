#include "daemon/queue_source.hpp"

#include "daemon/queue_setup.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace myq {

QueueSource::QueueSource(const QueueConfig& config, Selector selector, const Identity& service)
    : config_(config),
      selector_(selector),
      service_(service),
      queue_(set_up_queue(config, service).queue) {}

Fetch QueueSource::fetch(Slot& slot) {
    for (;;) {
        const ReceiveResult result =
            queue_.receive(slot.buffer(), slot.body_capacity(), selector_, Wait::yes);
        switch (result.status) {
        case ReceiveStatus::received:
            slot.landed(result.size);
            return Fetch::message;
        case ReceiveStatus::empty:
        case ReceiveStatus::interrupted:
            return Fetch::interrupted;
        case ReceiveStatus::too_big:
            // kernel.msgmax was raised after the slot was made, and perhaps lowered again since:
            // twice the size at least, until it fits.
            slot.need(std::max(largest_body(), 2 * slot.body_capacity()));
            return Fetch::does_not_fit;
        case ReceiveStatus::removed:
            attach_again();
            break;
        case ReceiveStatus::failed:
            throw queue_.receive_error(result);
        }
    }
}

void QueueSource::attach_again() {
    ReadyQueue ready = set_up_queue(config_, service_);
    if (ready.created) {  // one of the workers comes first, and only that one speaks
        spdlog::critical("queue {} ({}) was removed from outside; it was made again, and what was "
                         "waiting in it is gone",
                         config_.name, config_.key.text());
        for (const std::string& remark : ready.remarks)
            spdlog::warn("{}", remark);
    }
    queue_ = ready.queue;
}

}  // namespace myq
