#pragma once

#include "ipc/envelope.hpp"
#include "ipc/message_queue.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

// Segments of blobs (ipc/blob.hpp) whose message nobody has any more: a sender was killed before it
// sent it, or the message went with its queue. The message may wait in the queue for days after its
// sender has ended, so only a look at everything that may hold it can tell.
namespace myq {

// A segment that was given to us and that nobody has attached: its sender is done with it, in one
// way or the other.
struct UnattachedBlob {
    std::int32_t segment_id = -1;
    key_t queue = 0;  // where its sender said that the message goes
    BlobToken token{};
};
std::vector<UnattachedBlob> unattached_blobs(uid_t self);

// Adds the token of every blob that anything in these bytes, at any offset, may be the message of.
void find_blob_tokens(std::span<const std::byte> bytes, std::set<BlobToken>& tokens);

// The same for what waits in a queue. False if that cannot be told: it is too long to look through,
// it may not be read, or the kernel cannot copy what is in it.
bool find_blob_tokens(const MessageQueue& queue, std::set<BlobToken>& tokens);

// No message of this blob was found. Removes it if none was found `patience` ago either, as noted
// in the segment itself, or notes it now. `now` is CLOCK_BOOTTIME. True if it was removed.
bool remove_unreferenced(const UnattachedBlob& blob, uid_t self, std::chrono::nanoseconds now,
                         std::chrono::nanoseconds patience);

// A message of this blob was found: forgets what remove_unreferenced() noted.
void keep_referenced(const UnattachedBlob& blob, uid_t self);

// Segments that a killed maker, a process of the user `self`, had not given away yet. Returns how
// many it removed.
int remove_unfinished_blobs(uid_t self);

}  // namespace myq
