#include "daemon/blob_body.hpp"

#include <unistd.h>

namespace myq {

const char* BlobBody::take(const BlobReference& blob) {
    body_ = {};
    segment_.reset();
    const BlobError error = IncomingBlob::open(blob, ::geteuid(), segment_);
    if (error != BlobError::none) return describe(error);
    // Of a body that is longer than the queue takes all is kept, as long as the journal can have
    // it: max_body may have been lowered since it was sent.
    if (segment_->size() > queue_.max_body && segment_->size() > limits_.max_size / 2) {
        return "its body is longer than max_body, and than half of journal.max_size";
    }
    if (!segment_->copy(buffer_.room(segment_->size()))) return describe(BlobError::checksum);
    body_ = buffer_.body();
    return body_.size() > queue_.max_body ? "its body is longer than max_body" : nullptr;
}

void BlobBody::remove_segment() {
    if (segment_) segment_->remove();
    segment_.reset();
}

}  // namespace myq
