#pragma once

#include "ipc/blob.hpp"

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace myq {

// The body of a message of a kernel queue that lies in shared memory.
struct BlobContent {
    std::optional<IncomingBlob> blob;  // to be removed with the message
    std::vector<std::byte> body;
    std::string trouble;  // why there is no body, in words
};

// nullopt for a message that is no blob, or a broken one. `owner` is whom the queue belongs to.
std::optional<BlobContent> blob_content(std::span<const std::byte> message, uid_t owner);

// What a handler replied, of a reply that lies in shared memory and that `daemon` must have made.
// Returns why it cannot be had, in words; nothing if all is well. The memory goes either way.
std::string fetch_reply(const BlobReference& reference, uid_t daemon, std::string& whole);

}  // namespace myq
