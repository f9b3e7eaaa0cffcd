#pragma once

#include "ipc/envelope.hpp"
#include "ipc/shared_memory.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// How a blob's segment begins. For the files that read and write it: everybody else has
// ipc/blob.hpp.
namespace myq {

constexpr mode_t blob_mode = 0600;
// Until it was given away: no other segment is made like that, so that what its killed maker left
// behind is known for what it is.
constexpr mode_t unfinished_blob_mode = 0700;

// Which way the body goes: with a message to the daemon, or as a reply to a caller.
enum class BlobUse : std::uint8_t { message, reply };

struct BlobHead {
    std::int32_t queue =
        0;  // the key of the one it goes to; of a reply the id, since it has no key
    BlobToken token{};
    std::uint64_t size = 0;  // of the body
    BlobUse use = BlobUse::message;
};

void write_blob_head(std::span<std::byte> segment, const BlobHead& head);
// nullopt for a segment that is no blob's. Copies first: the segment may change meanwhile.
std::optional<BlobHead> read_blob_head(std::span<const std::byte> segment);
// Whether that was begun to be written, or nothing was written yet.
bool may_become_blob(std::span<const std::byte> segment);

// Private, of mode 0600, and `self` owns it: as OutgoingBlob gives it away.
inline bool is_given_blob(const SharedMemoryStat& stat, uid_t self) {
    return stat.key == IPC_PRIVATE && stat.uid == self && stat.mode == blob_mode;
}

// The same, or on its way there: a sender that has no single call for both sets the uid first.
inline bool is_given_in_part(const SharedMemoryStat& stat, uid_t self) {
    return stat.key == IPC_PRIVATE && stat.uid == self &&
           (stat.mode == blob_mode || stat.mode == unfinished_blob_mode);
}

// The other way: `daemon` made it and keeps every right; who owns it now may fetch and remove it.
inline bool is_given_reply(const SharedMemoryStat& stat, uid_t daemon) {
    return stat.key == IPC_PRIVATE && stat.creator_uid == daemon && stat.mode == blob_mode;
}

}  // namespace myq
