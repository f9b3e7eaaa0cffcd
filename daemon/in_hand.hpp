#pragma once

#include "daemon/slot.hpp"
#include "ipc/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace myq {

// The message in a slot, out of its envelope. Points into the slot.
struct InHand {
    std::span<const std::byte> body;
    MessageId id;
    std::optional<std::int64_t> expires_ms;
    const char* broken = nullptr;  // what is wrong with it; `body` is all of its envelope then
    std::optional<ConfirmAddress> asker;  // who is told if it is not even taken
    // Its body is not in the slot but in shared memory, or in its row of the journal: LargeBodies
    // gets it. Until then `body` is what is in the slot.
    std::optional<BlobReference> blob;
    bool is_in_row = false;
    bool is_large() const { return blob || is_in_row; }
    // Its sender wants it in the journal: confirmed, later, or only once. Then this says how.
    std::optional<Envelope> wish;
    std::optional<ReplyAddress> reply;  // who waits for what becomes of it
};

// The slot must be occupied.
InHand take_in_hand(const Slot& slot);
// One that waits behind it.
InHand take_in_hand(const Handful::Message& waiting);

// When a message that says `due` or `delay` is due, 0 for at once.
std::int64_t due_time(const Envelope& envelope, std::int64_t now_ms);

// Why a queue does not take it: it would keep its unique key from everybody else for longer than
// `most`. nullptr if it would not.
const char* why_not_keyed(const Envelope& envelope, std::int64_t now_ms,
                          std::chrono::milliseconds most);

}  // namespace myq
