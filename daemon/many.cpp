#include "daemon/many.hpp"

#include "daemon/unix/clock.hpp"

#include <algorithm>
#include <span>
#include <string>

namespace myq {

static_assert(Handful::most_messages >= MYQ_MOST_AT_ONCE);

Many::Many(const HandlerTable& handlers, const char* queue) : handlers_(handlers), queue_(queue) {
    std::size_t most = 1;
    for (const LiveHandler& handler : handlers.all())
        most = std::max(most, handler.most);
    if (most == 1) return;
    messages_.resize(most);
    outcomes_.resize(most);
    ids_.resize(most);
    for (std::size_t i = 0; i < most; ++i) {
        message_list_.push_back(&messages_[i]);
        outcome_list_.push_back(&outcomes_[i]);
    }
}

std::size_t Many::gather(const LiveHandler& handler, const InHand& first, Slot& slot,
                         Source& source) {
    put(0, handler, slot.type(), first, slot.attempts() + 1);
    std::size_t count = 1;
    InHand next;
    while (count < handler.most && source.fetch_more(slot)) {
        const Handful::Message& message = slot.handful().messages().back();
        if (!is_fit(handler, message, next)) break;
        put(count, handler, message.type, next, message.head->attempts + 1);
        ++count;
    }
    return count;
}

bool Many::is_fit(const LiveHandler& handler, const Handful::Message& message,
                  InHand& in_hand) const {
    if (handlers_.find(message.type) != &handler) return false;
    in_hand = take_in_hand(message);
    const bool is_over_already = in_hand.expires_ms && *in_hand.expires_ms <= wall_clock_ms();
    return in_hand.broken == nullptr && !in_hand.is_large() && !in_hand.wish && !in_hand.reply &&
           !is_over_already;
}

void Many::put(std::size_t place, const LiveHandler& handler, std::int64_t type,
               const InHand& message, std::uint32_t attempt) {
    std::array<char, 33>& id = ids_[place];
    id = message.id.is_set() ? message.id.digits() : std::array<char, 33>{};
    messages_[place] = {.size = sizeof(myq_message),
                        .type = type,
                        .type_name = handler.config->name.c_str(),
                        .queue = queue_,
                        .body = message.body.data(),
                        .body_size = message.body.size(),
                        .attempt = attempt,
                        .timeout_ms = handler.timeout_ns / 1'000'000,
                        .id = id.data(),
                        .wants_reply = 0};
    outcomes_[place] = {};
    outcomes_[place].size = sizeof(myq_outcome);
}

void Many::call(const LiveHandler& handler, std::size_t count) {
    handler.plugin->handle_many(handler.state, message_list_.data(), outcome_list_.data(), count);
    for (myq_outcome& outcome : std::span(outcomes_).first(count))
        outcome.reason[sizeof outcome.reason - 1] = '\0';
}

}  // namespace myq
