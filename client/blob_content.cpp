#include "client/blob_content.hpp"

#include "ipc/ipc_error.hpp"

namespace myq {

std::optional<BlobContent> blob_content(std::span<const std::byte> message, uid_t owner) {
    Envelope envelope;
    if (!is_blob(message) || decode_envelope(message, envelope) != EnvelopeError::none) {
        return std::nullopt;
    }
    BlobContent content;
    try {
        BlobError error = IncomingBlob::open(*envelope.blob, owner, content.blob);
        if (error == BlobError::none) {
            content.body.resize(content.blob->size());
            if (!content.blob->copy(content.body)) error = BlobError::checksum;
        }
        if (error != BlobError::none) {
            content.trouble = describe(error);
            content.body.clear();
            content.blob.reset();
        }
    } catch (const IpcError& e) {
        content.trouble = e.what();
    }
    return content;
}

}  // namespace myq
