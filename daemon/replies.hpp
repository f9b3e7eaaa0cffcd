#pragma once

#include "daemon/orphan_sweep.hpp"
#include "ipc/reply.hpp"
#include "ipc/reply_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace myq {

// Tells callers what becomes of their messages, waiting for nobody: one that does not read, is
// gone, or is not what it should be is left alone. What a handler replies is collected here until
// its message is over, since an attempt that fails replies nothing.
class Replies {
public:
    // What is kept of a handler's reply at least, whatever the queue's max_body says.
    static constexpr std::size_t least_kept = std::size_t{1} << 20U;
    static constexpr std::size_t longest_text = 512;

    explicit Replies(std::uint64_t max_body = least_kept);

    // A handler is given a message that `caller` waits for, or nobody.
    void begin(const std::optional<ReplyAddress>& caller, const MessageId& id) {
        is_asked_ = caller.has_value();
        if (is_asked_) [[unlikely]]
            begin_asked(*caller, id);
    }

    // What the handler says meanwhile; nothing happens when nobody asked. False: longer than is
    // kept, so that the caller will get none of it.
    bool collect(std::span<const std::byte> bytes);
    void progress(std::uint64_t done, std::uint64_t total, std::string_view text);

    // The message of begin() is over: done or rejected, with what was collected.
    void end_with_reply(Reply::Status status, std::string_view text);

    // Any other end or news of any message.
    void tell(const std::optional<ReplyAddress>& caller, const MessageId& id, Reply::Status status,
              std::string_view text, std::uint64_t first = 0, std::uint64_t second = 0);

private:
    struct Caller {
        ReplyAddress address;
        MessageId id;
    };

    void begin_asked(const ReplyAddress& caller, const MessageId& id);
    bool send_parts(Reply::Status status, std::string_view text);
    void send_large();
    ReplyStatus send(const Reply& reply, Spare spare = {});
    bool keep(std::span<const std::byte> bytes);
    void drop_collected();

    std::size_t longest_;  // of one message
    std::size_t most_;     // of a whole reply
    std::uint32_t self_;   // our user
    ReplySender sender_;
    bool is_asked_ = false;
    Caller caller_{};
    std::vector<std::byte> collected_;
    std::size_t size_ = 0;      // of the reply, also where it is more than is kept
    std::int64_t told_ns_ = 0;  // the last progress
    OrphanSweep sweep_;
};

// Why a message that is not to be confirmed with `accepted` was not taken.
const char* why_refused(ConfirmStatus status);

}  // namespace myq
