#pragma once

#include "ipc/envelope.hpp"
#include "ipc/message_queue.hpp"
#include "ipc/reply.hpp"
#include "ipc/reply_queue.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

namespace myq::test {

// A message as the daemon would take it.
struct Asked {
    MessageId id;
    std::optional<std::int64_t> due_ms, delay_ms, expires_ms;
    std::string unique, body;
    std::optional<ConfirmAddress> confirm;
    std::optional<ReplyAddress> reply;
};

// The daemon's side of a queue: takes envelopes and confirms them, as the test wants it.
class Intake {
public:
    explicit Intake(const MessageQueue& queue) : queue_(queue) {}

    // The next message, once there is one; it must be an envelope.
    Asked take() const {
        const auto message = queue_.receive(100'000, Selector::any(), Wait::yes);
        REQUIRE(message);
        Envelope envelope;
        REQUIRE(decode_envelope(message->body, envelope) == EnvelopeError::none);
        CHECK(envelope.kind == EnvelopeKind::message);
        return {envelope.id,
                envelope.due_ms,
                envelope.delay_ms,
                envelope.expires_ms,
                std::string(envelope.unique_key),
                text({envelope.body.begin(), envelope.body.end()}),
                envelope.confirm,
                envelope.reply};
    }

    std::vector<Asked> take(int count) const {
        std::vector<Asked> all;
        for (int i = 0; i < count; ++i)
            all.push_back(take());
        return all;
    }

    static void answer(const Asked& asked, const std::vector<ConfirmRun>& runs) {
        answer_bytes(asked, encode_confirm(runs));
    }
    // About this one message.
    static void answer(const Asked& asked, ConfirmStatus status = ConfirmStatus::accepted) {
        answer(asked, {{asked.confirm->sequence, 1, status}});
    }
    static void answer_bytes(const Asked& asked, std::span<const std::byte> bytes) {
        REQUIRE(asked.confirm);
        REQUIRE(send_reply(asked.confirm->queue_id, geteuid(), asked.confirm->token, bytes) ==
                ReplyStatus::sent);
    }

    static void reply(const Asked& asked, const Reply& reply) {
        reply_bytes(asked, encode_reply(reply, asked.id));
    }
    static void reply_bytes(const Asked& asked, std::span<const std::byte> bytes) {
        REQUIRE(asked.reply);
        REQUIRE(send_reply(asked.reply->queue_id, geteuid(), asked.reply->token, bytes) ==
                ReplyStatus::sent);
    }

private:
    const MessageQueue& queue_;
};

// How many queues there are on this machine, which is the test's own.
inline std::size_t queues() {
    return MessageQueue::list().size();
}

}  // namespace myq::test
