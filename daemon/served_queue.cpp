#include "daemon/served_queue.hpp"

#include "daemon/queue_setup.hpp"

#include <spdlog/spdlog.h>

#include <cerrno>

namespace myq {

ServedQueue::ServedQueue(const QueueConfig& config, const Identity& service)
    : config_(config),
      service_(service),
      queue_(set_up_queue(config, service).queue) {}

void ServedQueue::mend(const ReceiveResult& result) {
    const bool is_shut = result.status == ReceiveStatus::failed && result.error == EACCES;
    if (result.status == ReceiveStatus::failed && !is_shut) throw queue_.receive_error(result);
    // Something else than the mode may forbid it, for ever.
    if (is_shut && ++shut_ > most_shut) throw queue_.receive_error(result);
    ReadyQueue ready = set_up_queue(config_, service_);
    if (ready.created) {  // one of the workers comes first, and only that one speaks
        spdlog::critical("queue {} ({}) was removed from outside; it was made again, and what was "
                         "waiting in it is gone",
                         config_.name, config_.key.text());
        for (const std::string& remark : ready.remarks)
            spdlog::warn("{}", remark);
    }
    if (is_shut) {
        for (const std::string& remark : ready.remarks)
            spdlog::warn("shut from outside, and opened again: {}", remark);
    }
    queue_ = ready.queue;
}

}  // namespace myq
