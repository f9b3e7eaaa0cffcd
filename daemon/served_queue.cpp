#include "daemon/served_queue.hpp"

#include "daemon/queue_setup.hpp"

#include <spdlog/spdlog.h>

namespace myq {

ServedQueue::ServedQueue(const QueueConfig& config, const Identity& service)
    : config_(config),
      service_(service),
      queue_(set_up_queue(config, service).queue) {}

void ServedQueue::mend(const ReceiveResult& result) {
    if (result.status == ReceiveStatus::failed) throw queue_.receive_error(result);
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
