#pragma once

#include "client/body_limit.hpp"
#include "client/envelope_wishes.hpp"
#include "client/place.hpp"
#include "ipc/blob.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace myq {

// A body on its way into the kernel queue: as it is, in an envelope, or, if it is too long for
// that, in shared memory with an envelope that says where.
class Parcel {
public:
    // `wrapper` is nullptr for a body that needs no envelope. Throws Failure for a body beyond the
    // limit, IpcError when there is no shared memory to be had. `body` must outlive the parcel.
    Parcel(const Place& place, const BodyLimit& limit, const Wrapper* wrapper,
           std::string_view body, const std::optional<ConfirmAddress>& confirm = std::nullopt);

    // What the kernel message holds.
    std::span<const std::byte> bytes() const { return bytes_; }
    // A body without an envelope has none.
    const std::optional<MessageId>& id() const { return id_; }

    // It is in the queue. Whatever comes instead, the shared memory goes with the parcel.
    void sent() {
        if (blob_) blob_->sent();
    }

private:
    std::optional<MessageId> id_;
    std::vector<std::byte> envelope_;
    std::optional<OutgoingBlob> blob_;
    std::span<const std::byte> bytes_;
};

}  // namespace myq
