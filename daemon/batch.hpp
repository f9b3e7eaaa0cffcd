#pragma once

#include "daemon/slot.hpp"
#include "ipc/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace myq {

// The messages that an intake has taken from the kernel queue and not yet written to the journal:
// one after the other in its slot, so that they outlive it like the one in a worker's slot.
//
// A record is a head, then exactly a struct msgbuf for msgrcv(2). The head is filled with 0xFF
// before: a length of all ones says that the receiver was killed before it learned the length.
class Batch {
public:
    struct Head {
        std::uint64_t length;
        ConfirmStatus status;   // what its sender is told; written before the COMMIT
        std::uint16_t refused;  // 1: its sender was told that it is not taken; it is over
        std::uint16_t fetches;  // of its large body, that were begun and did not end
    };
    struct Message {
        Head* head;
        std::int64_t type;
        std::span<const std::byte> body;
    };

    static constexpr std::size_t most_messages = 1024;

    // The slot body for batches of messages of up to `largest_body` bytes.
    static std::size_t body_capacity(std::size_t largest_body);

    // Finds in the slot what the last intake left. `slot` must outlive the batch.
    explicit Batch(Slot& slot);

    bool empty() const { return messages_.empty(); }
    std::span<const Message> messages() const { return messages_; }
    // With the slot's identity it names this batch in the journal.
    std::uint64_t sequence() const { return slot_.sequence(); }

    // Where the next message may land: struct msgbuf with room for next_capacity() bytes of body;
    // nullptr when there is no room for `largest_body` bytes or the batch has its most messages.
    void* next(std::size_t largest_body);
    std::size_t next_capacity() const;
    void landed(std::size_t length);

    // All of them are over.
    void clear();

private:
    void recover();
    void add(std::size_t length);

    Slot& slot_;
    std::byte* begin_;  // of the records
    std::size_t room_;
    std::size_t end_ = 0;  // offset behind the last record
    std::vector<Message> messages_;
};

}  // namespace myq
