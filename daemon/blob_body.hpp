#pragma once

#include "config/config.hpp"
#include "daemon/large_buffer.hpp"
#include "ipc/blob.hpp"
#include "journal/journal.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace myq {

// Gets the bodies of blobs out of the shared memory that their senders made, one after the other,
// into memory of this process: what is in there is checked as it was copied, and stays so.
class BlobBody {
public:
    // The references must outlive the object.
    BlobBody(const QueueConfig& queue, const JournalLimits& limits)
        : queue_(queue),
          limits_(limits) {}

    // Why there is no body to be had, or why it must not be handled; nullptr if all is well. Throws
    // std::system_error for what may be otherwise in a moment, such as no memory.
    const char* take(const BlobReference& blob);

    // As take() left it: empty if there is none, there also if the body is only too long.
    std::span<const std::byte> body() const { return body_; }

    // Whether take() found the segment that was meant. It is held until let_go(), so that its id
    // is nobody else's.
    bool holds_segment() const { return segment_.has_value(); }
    void remove_segment();  // the message is over
    void let_go() { segment_.reset(); }

private:
    const QueueConfig& queue_;
    const JournalLimits& limits_;
    LargeBuffer buffer_;
    std::optional<IncomingBlob> segment_;
    std::span<const std::byte> body_;
};

}  // namespace myq
