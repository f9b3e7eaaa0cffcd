#pragma once

#include "ipc/envelope.hpp"
#include "ipc/shared_memory.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// A body that is too long for a kernel message: it lies in a private segment of shared memory that
// the sender makes and gives to the daemon's user, and the message says where. docs/wire-format.md
// is the law. A reply that is too long for its caller's queue goes the same way, from the daemon to
// the caller. What becomes of segments whose message nobody has any more: ipc/blob_janitor.hpp.
namespace myq {

enum class BlobUse : std::uint8_t;  // of both: ipc/blob_head.hpp
struct BlobHead;

// No body is longer, whatever the configuration says.
constexpr std::uint64_t largest_blob = std::uint64_t{512} << 20U;

// The sender's side: the segment, with the body in it, until its message is in the queue. It stays
// attached until then, by which the daemon knows that the message may still come.
class OutgoingBlob {
public:
    // `daemon` is the uid that owns the queue, `queue` that queue's key. Throws IpcError: no room,
    // or more than kernel.shmmax.
    OutgoingBlob(uid_t daemon, key_t queue, std::span<const std::byte> body);
    // The daemon's side of a reply, for the user who made the queue with the id `queue_id`.
    struct ReplyTo {
        uid_t caller;
        int queue_id;
    };
    OutgoingBlob(const ReplyTo& to, std::span<const std::byte> body);
    ~OutgoingBlob();  // removes the segment, unless its message was sent
    OutgoingBlob(const OutgoingBlob&) = delete;
    OutgoingBlob& operator=(const OutgoingBlob&) = delete;

    const BlobReference& reference() const { return reference_; }

    // The message is in the queue: from now on the segment is the daemon's to remove.
    void sent() { is_sent_ = true; }

private:
    OutgoingBlob(uid_t owner, BlobHead head, std::span<const std::byte> body);

    SharedMemory segment_;
    std::optional<AttachedMemory> memory_;
    BlobReference reference_;
    bool is_sent_ = false;
};

enum class BlobError {
    none,
    gone,      // there is no such segment
    not_ours,  // not private, not given to us, or open to others
    size,      // too short for the body, or for another one
    token,     // somebody else's, or no blob at all
    too_large,
    checksum,
};
const char* describe(BlobError error);  // "its shared memory is gone"

// The receiver's side. Everything about the segment is hostile: whoever made it may still write to
// it, remove it or take it back, at every moment. While this object lives its id is nobody else's.
class IncomingBlob {
public:
    // Sets `blob` if it returns `none`. `self` is whom it must have been given to. Throws IpcError
    // for what may be otherwise in a moment, such as no memory.
    static BlobError open(const BlobReference& reference, uid_t self,
                          std::optional<IncomingBlob>& blob);

    // The caller's side of a reply, which `daemon` must have made.
    static BlobError open_reply(const BlobReference& reference, uid_t daemon, uid_t self,
                                std::optional<IncomingBlob>& blob);

    std::size_t size() const { return reference_.size; }

    // Copies the body to `to`, which is size() bytes long. False if what was copied, which is all
    // that counts, is not what the sender said.
    bool copy(std::span<std::byte> to) const;

    // The segment goes. Somebody may have been faster.
    void remove() const noexcept;

private:
    template <typename Judge>
    static BlobError open_if(const BlobReference& reference, BlobUse use, const Judge& is_right,
                             std::optional<IncomingBlob>& blob);
    IncomingBlob(const BlobReference& reference, SharedMemory segment, AttachedMemory memory)
        : reference_(reference),
          segment_(std::move(segment)),
          memory_(std::move(memory)) {}

    BlobReference reference_;
    SharedMemory segment_;
    AttachedMemory memory_;
};

// Removes the segment of a blob that was opened once, if it is still the same.
void remove_blob(std::int32_t segment_id, const BlobToken& token, uid_t self) noexcept;

}  // namespace myq
