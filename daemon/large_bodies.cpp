#include "daemon/large_bodies.hpp"

#include "daemon/unix/signals.hpp"

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <string>
#include <system_error>

namespace myq {

LargeBodies::LargeBodies(const QueueConfig& queue, Slot& slot, JournalAccess& journal)
    : queue_(queue),
      slot_(slot),
      journal_(journal),
      blob_(queue) {
    settle_left();
}

void LargeBodies::settle_left() {
    if (slot_.occupied()) return;
    if (const auto left = slot_.held_segment()) remove_blob(left->id, left->token, ::geteuid());
    slot_.forget_segment();
    slot_.forget_fetches();
}

bool LargeBodies::fetch(InHand& message) {
    if (journal_.is_closed()) return false;
    is_used_ = true;
    if (slot_.fetches() >= static_cast<std::uint32_t>(queue_.retry.attempts)) {
        message.broken = blob_.refuse(killed_in_fetch);
        if (message.blob) hold(*message.blob);
        return true;
    }
    slot_.begin_fetch();
    const bool is_over =
        message.is_in_row ? fetch_row(message) : insist([&] { fetch_blob(message); });
    slot_.forget_fetches();
    return is_over;
}

// What is not the message's fault passes, or the machine has other worries.
bool LargeBodies::insist(const std::function<void()>& fetch) {
    std::string complaint;
    for (;;) {
        try {
            fetch();
            return true;
        } catch (const std::system_error& e) {
            if (complaint != e.what()) {
                complaint = e.what();
                spdlog::error("a large body: {}; its message is kept until it can be had",
                              complaint);
            }
        }
        if (stop_requested()) return false;
        JournalAccess::pause();
    }
}

void LargeBodies::fetch_blob(InHand& message) {
    message.broken = blob_.take(*message.blob);
    hold(*message.blob);
    // Without a body it is among the dead as its envelope.
    if (message.broken == nullptr) message.body = blob_.body();
    if (message.wish) message.wish->body = message.body;
}

// Also of one that was not attached: it goes with the message, if it is what the message says.
void LargeBodies::hold(const BlobReference& blob) {
    slot_.hold_segment({blob.segment_id, blob.token});
}

bool LargeBodies::fetch_row(InHand& message) {
    bool is_there = false;
    bool has_read = false;
    const auto copy = [&](std::span<const std::byte> body) {
        std::copy(body.begin(), body.end(),
                  row_.room(std::max<std::size_t>(body.size(), 1)).begin());
        message.body = row_.body().first(body.size());
    };
    const bool was_tried = insist([&] {
        has_read = journal_.insist(
            [&](Journal& journal) { is_there = journal.read_body(slot_.row(), copy); });
    });
    if (!is_there) message.broken = "its body is no longer in the journal";
    return was_tried && has_read;
}

void LargeBodies::release() {
    is_used_ = false;
    blob_.rest();
    row_.rest();
    // What must stay in the slot keeps its segment, for whoever comes next.
    if (slot_.occupied()) return blob_.let_go();
    if (blob_.holds_segment()) {
        blob_.remove_segment();
        slot_.forget_segment();
    }
    settle_left();
}

}  // namespace myq
