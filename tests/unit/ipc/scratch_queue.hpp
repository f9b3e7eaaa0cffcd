#pragma once

#include "ipc/message_queue.hpp"
#include "tests/support/bytes.hpp"

namespace myq::test {

// A queue that ends with the test. The only owner of a queue in this project.
class ScratchQueue : public MessageQueue {
public:
    explicit ScratchQueue(mode_t mode = 0600)
        : MessageQueue(MessageQueue::create(QueueKey::private_queue(), mode)) {}

    explicit ScratchQueue(const MessageQueue& queue) : MessageQueue(queue) {}

    ~ScratchQueue() {
        try {
            remove();
        } catch (const IpcError&) {
            // The test removed it already.
        }
    }

    ScratchQueue(const ScratchQueue&) = delete;
    ScratchQueue& operator=(const ScratchQueue&) = delete;
};

}  // namespace myq::test
