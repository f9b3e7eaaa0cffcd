#pragma once

#include "ipc/message_queue.hpp"

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

inline std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

inline std::string text(const std::vector<std::byte>& body) {
    std::string result(body.size(), '\0');
    if (!body.empty()) std::memcpy(result.data(), body.data(), body.size());
    return result;
}

}  // namespace myq::test
