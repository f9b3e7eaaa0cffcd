#include "daemon/in_hand.hpp"

#include "daemon/unix/clock.hpp"

namespace myq {

namespace {

InHand out_of_envelope(std::span<const std::byte> bytes) {
    Envelope envelope;
    InHand message;
    message.body = bytes;
    const EnvelopeError error = decode_envelope(bytes, envelope);
    message.reply = envelope.reply;
    message.asker = envelope.confirm;
    if (error != EnvelopeError::none) {
        message.broken = describe(error);
    } else if (is_answer(envelope.kind)) {
        message.broken = "it is an answer, not a message";
    } else {
        message.blob = envelope.blob;
        if (!message.blob) message.body = envelope.body;
        message.id = envelope.id;
        message.expires_ms = envelope.expires_ms;
        const bool is_later =
            (envelope.delay_ms || envelope.due_ms) && due_time(envelope, wall_clock_ms()) != 0;
        if (envelope.confirm || !envelope.unique_key.empty() || is_later) message.wish = envelope;
    }
    return message;
}

}  // namespace

InHand take_in_hand(const Slot& slot) {
    // What comes from the journal left its envelope when it went there.
    const bool from_journal = slot.row() != 0;
    if (!from_journal && is_envelope(slot.body())) return out_of_envelope(slot.body());
    InHand message;
    message.body = slot.body();
    if (from_journal) {
        message.id.bytes = slot.id();
        message.is_in_row = slot.large_size() != 0;
        if (slot.expires_ms() != 0) message.expires_ms = slot.expires_ms();
        const SlotReply& reply = slot.reply();
        if (reply.token > 0) message.reply = {reply.queue_id, reply.token, reply.sequence};
    }
    return message;
}

InHand take_in_hand(const Handful::Message& waiting) {
    const Handful::Head& head = *waiting.head;
    if (head.row == 0 && is_envelope(waiting.body)) return out_of_envelope(waiting.body);
    InHand message;
    message.body = waiting.body;
    if (head.row != 0) {
        message.id.bytes = head.id;
        if (head.expires_ms != 0) message.expires_ms = head.expires_ms;
    }
    return message;
}

std::int64_t due_time(const Envelope& envelope, std::int64_t now_ms) {
    const std::int64_t due =
        envelope.delay_ms ? now_ms + *envelope.delay_ms : envelope.due_ms.value_or(0);
    return due <= now_ms ? 0 : due;
}

const char* why_not_keyed(const Envelope& envelope, std::int64_t now_ms,
                          std::chrono::milliseconds most) {
    const bool is_too_long =
        !envelope.unique_key.empty() && due_time(envelope, now_ms) > now_ms + most.count();
    return is_too_long ? "it has a unique key and is due later than max_keyed_delay allows"
                       : nullptr;
}

}  // namespace myq
