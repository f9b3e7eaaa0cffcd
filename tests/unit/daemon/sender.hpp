#pragma once

#include "ipc/envelope.hpp"
#include "ipc/reply_queue.hpp"
#include "ipc/wire.hpp"

#include <unistd.h>

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace myq::test {

// Somebody who sends one message in an envelope and waits for the word that it is on disk.
class Sender {
public:
    static constexpr std::uint64_t sequence = 42;

    // `body` must outlive the object.
    explicit Sender(std::string_view body) {
        envelope.id = MessageId::random();
        envelope.body = std::as_bytes(std::span(body));
        envelope.confirm = ConfirmAddress{queue_.id(), queue_.token(), sequence};
    }

    // The kernel message's body.
    std::string bytes() const { return text(encode_envelope(envelope)); }
    // The same as a later version might send it: whole, but of a kind that is not known here.
    std::string bytes_of_kind(EnvelopeKind kind) const {
        auto encoded = encode_envelope(envelope);
        wire::store(encoded.data() + wire::kind_at, static_cast<std::uint8_t>(kind));
        wire::store(encoded.data() + wire::checksum_at, wire::checksum(encoded));
        return text(encoded);
    }

    // What the sender is told next, nullopt when there is no answer. Throws if it is about anything
    // but its message.
    std::optional<ConfirmStatus> told() const {
        const auto answer = queue_.receive(Wait::no);
        if (!answer) return std::nullopt;
        const auto runs = decode_confirm(answer->body);
        if (!runs || runs->size() != 1 || runs->front().first != sequence ||
            runs->front().count != 1) {
            throw std::runtime_error("the answer is not about the message");
        }
        return runs->front().status;
    }

    Envelope envelope;

private:
    static std::string text(std::span<const std::byte> encoded) {
        return {reinterpret_cast<const char*>(encoded.data()), encoded.size()};
    }

    ReplyQueue queue_{::geteuid()};
};

}  // namespace myq::test
