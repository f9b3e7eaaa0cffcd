#include "ipc/blob_janitor.hpp"

#include "ipc/blob_head.hpp"
#include "ipc/has_ended.hpp"
#include "ipc/reply_queue.hpp"
#include "ipc/shared_memory.hpp"
#include "ipc/wire.hpp"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>

namespace myq {

namespace {

// To copy the N-th message the kernel counts to N, under the queue's lock.
constexpr std::uint64_t most_messages = 4096;

std::optional<BlobHead> head_of(int segment_id) {
    try {
        return read_blob_head(SharedMemory::from_id(segment_id).attach(Access::read_only).bytes());
    } catch (const IpcError&) {
        return std::nullopt;  // gone, or not to be read: none of ours
    }
}

bool is_ours_to_judge(const SharedMemoryStat& stat, BlobUse use, uid_t self) {
    return use == BlobUse::reply ? is_given_reply(stat, self) : is_given_in_part(stat, self);
}

std::vector<UnattachedBlob> unattached(BlobUse use, uid_t self) {
    std::vector<UnattachedBlob> blobs;
    for (const SharedMemoryStat& stat : SharedMemory::list()) {
        if (!is_ours_to_judge(stat, use, self) || stat.attached != 0 || stat.removed) continue;
        const auto head = head_of(stat.id);
        if (head && head->use == use) blobs.push_back({stat.id, head->queue, head->token});
    }
    return blobs;
}

// Where the token would be in an envelope of this kind; nothing for one that has none.
std::optional<std::size_t> token_place(std::span<const std::byte> envelope) {
    const std::size_t body = wire::load<std::uint16_t>(envelope.data() + wire::head_size_at);
    const auto kind = static_cast<EnvelopeKind>(envelope[wire::kind_at]);
    if (kind == EnvelopeKind::blob) return body + wire::blob_reference::token_at;
    if (kind != EnvelopeKind::reply || envelope.size() < body + wire::reply_head_size) {
        return std::nullopt;
    }
    const std::size_t text = wire::load<std::uint32_t>(envelope.data() + body + 12);
    return body + wire::reply_head_size + text + wire::blob_reference::token_at;
}

// Calls `change` with the segment, and what it has noted, if it is still the same.
template <typename Change>
void with_note(const UnattachedBlob& blob, uid_t self, const Change& change) {
    try {
        const SharedMemory segment = SharedMemory::from_id(blob.segment_id);
        const AttachedMemory memory = segment.attach(Access::read_write);
        const auto head = read_blob_head(memory.bytes());
        if (!head || !is_ours_to_judge(segment.stat(), head->use, self)) return;
        if (head->token != blob.token) return;
        change(segment, memory.writable_bytes().data() + wire::blob_head::seen_at);
    } catch (const IpcError&) {
        // It is gone: somebody had its message after all.
    }
}

// Killed before it gave it away.
bool is_unfinished(const SharedMemoryStat& stat, uid_t self) {
    if (stat.key != IPC_PRIVATE || stat.uid != self || stat.creator_uid != self ||
        stat.mode != unfinished_blob_mode || stat.attached != 0 || !has_ended(stat.creator_pid)) {
        return false;
    }
    return may_become_blob(SharedMemory::from_id(stat.id).attach(Access::read_only).bytes());
}

}  // namespace

std::vector<UnattachedBlob> unattached_blobs(uid_t self) {
    return unattached(BlobUse::message, self);
}

std::vector<UnattachedBlob> unattached_replies(uid_t self) {
    return unattached(BlobUse::reply, self);
}

ReplyNews news_of(const UnattachedBlob& reply, uid_t self) {
    const MessageQueue queue = MessageQueue::from_id(reply.queue);
    try {
        queue.stat_any();
    } catch (const IpcError&) {
        return ReplyNews::no_more;
    }
    // A caller that took its queue back gets nothing more from us, and shows us nothing.
    if (!is_reply_queue(reply.queue, self)) return ReplyNews::none;
    std::set<BlobToken> tokens;
    if (!find_blob_tokens(queue, tokens)) return ReplyNews::waits;
    return tokens.contains(reply.token) ? ReplyNews::waits : ReplyNews::none;
}

std::uint64_t unfetched_replies(uid_t self, uid_t caller) {
    std::uint64_t bytes = 0;
    for (const SharedMemoryStat& stat : SharedMemory::list()) {
        if (is_given_reply(stat, self) && stat.uid == caller) bytes += stat.size;
    }
    return bytes;
}

void find_blob_tokens(std::span<const std::byte> bytes, std::set<BlobToken>& tokens) {
    const auto magic = std::as_bytes(std::span(envelope_magic));
    const std::boyer_moore_horspool_searcher search(magic.begin(), magic.end());
    while (true) {
        const auto found = std::search(bytes.begin(), bytes.end(), search);
        bytes = bytes.subspan(static_cast<std::size_t>(found - bytes.begin()));
        if (bytes.size() < envelope_head_size) return;
        const std::optional<std::size_t> at = token_place(bytes);
        BlobToken token;
        if (at && *at + token.size() <= bytes.size()) {
            std::ranges::copy(bytes.subspan(*at, token.size()), token.begin());
            tokens.insert(token);
        }
        bytes = bytes.subspan(magic.size());
    }
}

bool find_blob_tokens(const MessageQueue& queue, std::set<BlobToken>& tokens) {
    try {
        const std::uint64_t messages = queue.stat_any().messages;
        if (messages > most_messages) return false;
        // From the last to the first: whatever is taken meanwhile moves the others towards us.
        for (std::size_t index = messages; index-- > 0;) {
            if (const auto message = queue.peek(index)) find_blob_tokens(message->body, tokens);
        }
        return true;
    } catch (const IpcError& e) {
        return e.error() == EIDRM;  // and everything that was in it
    }
}

bool remove_unreferenced(const UnattachedBlob& blob, uid_t self, std::chrono::nanoseconds now,
                         std::chrono::nanoseconds patience) {
    bool removed = false;
    with_note(blob, self, [&](const SharedMemory& segment, std::byte* note) {
        const auto seen = wire::load<std::int64_t>(note);
        const bool is_noted = seen > 0 && seen <= now.count();
        if (patience.count() == 0 || (is_noted && now.count() - seen >= patience.count())) {
            segment.remove();
            removed = true;
        } else if (!is_noted) {
            wire::store(note, std::int64_t{now.count()});
        }
    });
    return removed;
}

void keep_referenced(const UnattachedBlob& blob, uid_t self) {
    with_note(blob, self, [](const SharedMemory&, std::byte* note) {
        if (wire::load<std::int64_t>(note) != 0) wire::store(note, std::int64_t{0});
    });
}

int remove_unfinished_blobs(uid_t self) {
    int removed = 0;
    for (const SharedMemoryStat& stat : SharedMemory::list()) {
        try {
            if (!is_unfinished(stat, self)) continue;
            SharedMemory::from_id(stat.id).remove();
            ++removed;
        } catch (const IpcError&) {
            // Another sender of the same user was faster.
        }
    }
    return removed;
}

}  // namespace myq
