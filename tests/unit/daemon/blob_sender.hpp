#pragma once

#include "ipc/blob.hpp"
#include "tests/unit/daemon/sender.hpp"

#include <sys/shm.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace myq::test {

// Whether there is such a segment, or any.
inline bool has_segment(int id) {
    shmid_ds ds{};
    return ::shmctl(id, SHM_STAT_ANY, &ds) == id;
}

// A blob that was sent to queue 0x6d797102, given to our own user.
class BlobSender {
public:
    explicit BlobSender(std::string_view body)
        : blob_(std::in_place, ::geteuid(), 0x6d797102, std::as_bytes(std::span(body))) {
        sender.envelope.kind = EnvelopeKind::blob;
        sender.envelope.blob = blob_->reference();
        sender.envelope.body = {};
        blob_->sent();
        blob_.reset();
    }
    ~BlobSender() { ::shmctl(segment(), IPC_RMID, nullptr); }
    BlobSender(const BlobSender&) = delete;
    BlobSender& operator=(const BlobSender&) = delete;

    // Asks for nothing but to be handled.
    BlobSender& plain() {
        sender.envelope.confirm.reset();
        return *this;
    }
    std::string bytes() const { return sender.bytes(); }
    int segment() const { return sender.envelope.blob->segment_id; }
    bool is_there() const { return has_segment(segment()); }

    Sender sender{""};

private:
    std::optional<OutgoingBlob> blob_;
};

}  // namespace myq::test
