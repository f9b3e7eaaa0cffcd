#include "client/parcel.hpp"

#include "client/moment.hpp"
#include "ipc/blob_janitor.hpp"

#include <unistd.h>

namespace myq {

namespace {

// What this user's senders left behind that were killed before they had given it away.
void clear_up_once() {
    [[maybe_unused]] static const int removed = remove_unfinished_blobs(::geteuid());
}

}  // namespace

Parcel::Parcel(const Place& place, const BodyLimit& limit, const Wrapper* wrapper,
               std::string_view body, const std::optional<ConfirmAddress>& confirm)
    : bytes_(std::as_bytes(std::span(body))) {
    if (!limit.fits_message(body.size())) {
        if (!limit.fits_blob(body.size())) throw limit.exceeded_by("the body");
        clear_up_once();
        const QueueStat queue = place.queue.stat_any();
        blob_.emplace(queue.uid, queue.key, bytes_);
    }
    if (wrapper == nullptr && !blob_) return;
    Envelope envelope = wrapper != nullptr ? wrapper->envelope(now_ms()) : Envelope{};
    id_ = envelope.id = MessageId::random();
    envelope.confirm = confirm;
    if (blob_) {
        envelope.kind = EnvelopeKind::blob;
        envelope.blob = blob_->reference();
    } else {
        envelope.body = bytes_;
    }
    envelope_ = encode_envelope(envelope);
    bytes_ = envelope_;
}

}  // namespace myq
