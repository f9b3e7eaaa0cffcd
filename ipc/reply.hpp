#pragma once

#include "ipc/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What the daemon writes to a caller of a message: an envelope of kind `reply`. The law is
// docs/wire-format.md.
namespace myq {

struct Reply {
    enum class Status : std::uint32_t {
        // The end of the message; nothing comes after it.
        done = 0,
        cut = 1,       // done, but what the handler replied has no room in the queue: see `large`
        rejected = 2,  // the handler says that no try can help
        dead = 3,      // given up: it failed too often, or nobody can read or take it
        expired = 4,   // its time was over before it was handled
        refused = 5,   // not taken: one with its unique key is live, or the journal is full
        // News of it.
        retrying = 16,
        progress = 17,
    };

    std::uint64_t sequence = 0;  // the caller's number of the message
    Status status = Status::done;
    std::string_view text;  // the reason, or what the handler says of its progress
    // At the end: where `part` begins in the whole reply, and how long that is. Of progress: how
    // much is done, and of how much, 0 for unknown. Of a retry: the attempts so far, and when the
    // next is due, in milliseconds since the epoch.
    std::uint64_t first = 0, second = 0;
    std::span<const std::byte> part;  // of what the handler replied
    // With `cut`: all of it, in shared memory (ipc/blob.hpp), and no part; none where there was no
    // room either.
    // Who cannot read that takes it for a reply that is lost.
    std::optional<BlobReference> large = std::nullopt;

    bool is_final() const { return status < Status::retrying; }
};

const char* name(Reply::Status status);  // "rejected"

// Both answers of the daemon are at most this long, so that a reader knows what buffer to bring.
constexpr std::size_t longest_answer = 8192;
constexpr std::size_t reply_overhead = 72;  // of an answer that is a reply without a text

std::vector<std::byte> encode_reply(const Reply& reply, const MessageId& id);

// A decoded reply points into `bytes`. nullopt for what is none; a final status that is not known
// here is read as `dead`, other ones as progress that says nothing.
std::optional<Reply> decode_reply(std::span<const std::byte> bytes);

// Puts the parts of one reply together. Parts come in order; the daemon begins anew, with part 0,
// when a worker was killed in between.
class ReplyAssembly {
public:
    // Whether the reply is whole with this part. What does not continue what is there is dropped.
    bool add(const Reply& reply);
    const std::string& whole() const { return whole_; }

private:
    std::string whole_;
};

}  // namespace myq
