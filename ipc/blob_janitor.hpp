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
    std::int32_t queue = 0;  // where its sender said that the message goes: see BlobHead
    BlobToken token{};
};
std::vector<UnattachedBlob> unattached_blobs(uid_t self);

// Adds the token of every blob that anything in these bytes, at any offset, may be the message of:
// a sender's, or the news of a reply.
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

// Segments of replies that we, `self`, made and nobody has attached: their caller has not come for
// them yet, or never will, or we were killed before we told it.
std::vector<UnattachedBlob> unattached_replies(uid_t self);

enum class ReplyNews {
    waits,   // the caller has not read it yet, or that cannot be told
    none,    // read, and its reply is about to be fetched; or it was never sent
    no_more  // the caller has removed its queue, or somebody has for it
};
// What is known of the message that tells the caller where its reply lies.
ReplyNews news_of(const UnattachedBlob& reply, uid_t self);

// How much of the memory of replies that nobody has fetched is for `caller`.
std::uint64_t unfetched_replies(uid_t self, uid_t caller);

// Segments that a killed maker, a process of the user `self`, had not given away yet. Returns how
// many it removed.
int remove_unfinished_blobs(uid_t self);

}  // namespace myq
