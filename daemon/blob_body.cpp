#include "daemon/blob_body.hpp"

#include <unistd.h>

namespace myq {

const char* BlobBody::take(const BlobReference& blob) {
    if (blob.size > largest_blob) return refuse(describe(BlobError::too_large));
    if (blob.size > queue_.max_body) return refuse("its body is longer than max_body");
    refuse(nullptr);
    const BlobError error = IncomingBlob::open(blob, ::geteuid(), segment_);
    if (error != BlobError::none) return describe(error);
    if (!segment_->copy(buffer_.room(segment_->size()))) return describe(BlobError::checksum);
    body_ = buffer_.body();
    return nullptr;
}

const char* BlobBody::refuse(const char* reason) {
    body_ = {};
    segment_.reset();
    return reason;
}

void BlobBody::remove_segment() {
    if (segment_) segment_->remove();
    segment_.reset();
}

}  // namespace myq
