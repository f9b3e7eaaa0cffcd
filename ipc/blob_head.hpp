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

struct BlobHead {
    key_t queue = 0;
    BlobToken token{};
    std::uint64_t size = 0;  // of the body
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

}  // namespace myq
