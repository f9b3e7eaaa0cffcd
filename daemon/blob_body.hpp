#pragma once

#include "config/config.hpp"
#include "daemon/large_buffer.hpp"
#include "ipc/blob.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace myq {

// Gets the bodies of blobs out of the shared memory that their senders made, one after the other,
// into memory of this process: what is in there is checked as it was copied, and stays so.
class BlobBody {
public:
    // The reference must outlive the object.
    explicit BlobBody(const QueueConfig& queue) : queue_(queue) {}

    // Why there is no body to be had; nullptr if all is well. What its reference says is judged
    // before anything is attached: a segment costs its maker nothing, and whoever copies it all of
    // its size. Throws std::system_error for what may be otherwise in a moment, such as no memory.
    const char* take(const BlobReference& blob);
    // As take() where it was not even tried; returns `reason`.
    const char* refuse(const char* reason);

    // As take() left it: empty if there is none.
    std::span<const std::byte> body() const { return body_; }
    // It is over: an unusually long one gives its memory back.
    void rest() {
        body_ = {};
        buffer_.rest();
    }

    // Whether take() found the segment that was meant. It is held until let_go(), so that its id
    // is nobody else's.
    bool holds_segment() const { return segment_.has_value(); }
    void remove_segment();  // the message is over
    void let_go() { segment_.reset(); }

private:
    const QueueConfig& queue_;
    LargeBuffer buffer_;
    std::optional<IncomingBlob> segment_;
    std::span<const std::byte> body_;
};

// Why the body of a message is not fetched any more.
constexpr const char* killed_in_fetch =
    "whoever fetched its body was killed over it, as often as retry.attempts allows";

}  // namespace myq
