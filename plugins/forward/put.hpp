#pragma once

#include "ipc/envelope.hpp"
#include "ipc/queue_key.hpp"
#include "plugins/creators.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

// What became of a body on its way into a queue.
struct PutResult {
    enum class Status { sent, not_now, never };
    Status status;
    std::string reason{};
};

// What is put there: the body alone, or in an envelope with this id. In an envelope a body that is
// too long for the queue goes through shared memory, as myqd wants it.
struct Load {
    std::span<const std::byte> body;
    std::optional<myq::MessageId> id;
};

// Puts a body into the queue that this key leads to just now; makes none. Waits for room in a full
// one for `patience`, or until `give_up` says so.
//
// A file of its own, since both ipc/message_queue.hpp and <myq/handler.hpp> have a myq::Message.
PutResult put(const myq::QueueKey& key, std::int64_t type, const Load& load,
              std::chrono::milliseconds patience, const Creators& creators,
              const std::function<bool()>& give_up);
