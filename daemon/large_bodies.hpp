#pragma once

#include "daemon/blob_body.hpp"
#include "daemon/in_hand.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/slot.hpp"

#include <functional>

namespace myq {

// The bodies that are too large for the slot. The slot keeps what says where the body is: a blob's
// envelope, or the number of a row in the journal. There it stays until the message is over, so
// that a killed worker's successor finds it again; the worker has a copy.
//
// A blob's segment goes right after its message was settled. Killed in between, the worker leaves
// an empty slot that still holds the segment, and its successor removes it.
class LargeBodies {
public:
    // The references must outlive the object.
    LargeBodies(const QueueConfig& queue, Slot& slot, JournalAccess& journal);

    // Removes the segment that an empty slot still holds: its last worker was left to do that.
    void settle_left();

    // Gives the large message in the slot its body, or says in `broken` why there is none: also
    // when workers were killed over it, as often as the queue's messages are tried. False if asked
    // to stop before it could be had: the message must stay in the slot.
    bool fetch(InHand& message);

    // To be called when a message was handled, before the next comes.
    void after_message() {
        if (is_used_) [[unlikely]]
            release();
    }

private:
    static bool insist(const std::function<void()>& fetch);
    void fetch_blob(InHand& message);
    bool fetch_row(InHand& message);
    void hold(const BlobReference& blob);
    void release();

    const QueueConfig& queue_;
    Slot& slot_;
    JournalAccess& journal_;
    BlobBody blob_;
    LargeBuffer row_;
    bool is_used_ = false;  // since the last message was over
};

}  // namespace myq
