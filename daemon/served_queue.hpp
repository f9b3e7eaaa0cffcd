#pragma once

#include "config/config.hpp"
#include "daemon/unix/privileges.hpp"
#include "ipc/message_queue.hpp"

#include <cstddef>

namespace myq {

// A queue of the configuration as a process that serves it sees it: if somebody removes it, it is
// made again, and if somebody takes away the right to read it, that is taken back; one line says
// so.
class ServedQueue {
public:
    // Attaches the queue, which must exist or may be made. `config` must outlive the object.
    ServedQueue(const QueueConfig& config, const Identity& service);

    // As MessageQueue::receive(), but never `removed` or `failed`: throws IpcError for what waiting
    // cannot mend, such as EACCES. The path of every message.
    ReceiveResult receive(void* buffer, std::size_t capacity, Selector selector, Wait wait) {
        for (;;) {
            const ReceiveResult result = queue_.receive(buffer, capacity, selector, wait);
            if (result.status < ReceiveStatus::removed) [[likely]]
                return result;
            mend(result);
        }
    }

    const MessageQueue& queue() const { return queue_; }

private:
    void mend(const ReceiveResult& result);

    static constexpr int most_shut = 100;

    const QueueConfig& config_;
    Identity service_;
    MessageQueue queue_;
    int shut_ = 0;
};

}  // namespace myq
