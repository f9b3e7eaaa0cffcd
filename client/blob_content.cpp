#include "client/blob_content.hpp"

#include "ipc/ipc_error.hpp"

#include <fmt/format.h>

#include <unistd.h>

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

std::string fetch_reply(const BlobReference& reference, uid_t daemon, std::string& whole) {
    std::optional<IncomingBlob> blob;
    BlobError error = IncomingBlob::open_reply(reference, daemon, ::geteuid(), blob);
    if (blob) {
        whole.resize(blob->size());
        if (!blob->copy(std::as_writable_bytes(std::span(whole)))) error = BlobError::checksum;
        blob->remove();
    }
    if (error == BlobError::none) return {};
    whole.clear();
    return fmt::format("of its reply of {} bytes, {}", reference.size,
                       error == BlobError::not_ours ? "the shared memory is not the daemon's"
                                                    : describe(error));
}

}  // namespace myq
