#pragma once

#include "ipc/message_queue.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace myq {

// A private queue on which one sender waits for the daemon's answers: IPC_PRIVATE, made by the
// sender, given to the daemon's user, mode 0600. Nobody else may read or write it. Its first
// message stays there and is the proof: it has no body, and its type says what token answers must
// have, so that nobody else can name this queue to the daemon. Unlike every other queue here this
// one is owned: it ends with the object.
class ReplyQueue {
public:
    // `daemon` is the uid that owns the queue which is sent to. Throws IpcError.
    explicit ReplyQueue(uid_t daemon);
    ~ReplyQueue();
    ReplyQueue(const ReplyQueue&) = delete;
    ReplyQueue& operator=(const ReplyQueue&) = delete;

    int id() const { return queue_.id(); }
    std::int64_t token() const { return token_; }  // the type of every answer

    // For the thread that made the queue: when another one that waited here has ended, the janitor
    // takes the maker for dead, since the kernel notes a waiting thread's number for its process's.
    // The next answer; nullopt when there is none (Wait::no) or a signal came.
    std::optional<Message> receive(Wait wait) const;

private:
    MessageQueue queue_;
    std::size_t longest_;
    std::int64_t token_ = 0;
};

enum class ReplyStatus {
    sent,
    full,      // its reader does not read; the answer is dropped, for the daemon waits for nobody
    gone,      // removed: the asker is gone
    untrusted  // not a private queue of mode 0600 that was given to us, or without a proof of the
               // token: nothing was sent
};

// What must fit in the queue besides an answer: what will follow it, without which it is worth
// nothing, or what it must not keep away.
struct Spare {
    std::size_t bytes = 0;
    std::size_t messages = 0;
};

// The daemon's side: answers without waiting, only on a queue that is what ReplyQueue makes,
// belongs to `self` and has the proof of the token. A queue and a token that were found to be right
// are believed to be it for some milliseconds: whoever calls again and again is answered with one
// system call.
class ReplySender {
public:
    explicit ReplySender(uid_t self) : self_(self) {}

    // Never throws, and allocates nothing for a body of up to 8 KiB.
    ReplyStatus send(int queue_id, std::int64_t token, std::span<const std::byte> body,
                     Spare spare = {}) noexcept;

private:
    uid_t self_;
    int known_ = -1;  // a queue's id
    std::int64_t known_token_ = 0;
    std::int64_t known_until_ns_ = 0;
};

// One answer.
ReplyStatus send_reply(int queue_id, uid_t self, std::int64_t token,
                       std::span<const std::byte> body, Spare spare = {}) noexcept;

// Who made the queue, and so waits there, if ReplySender would send to it; nullopt otherwise.
std::optional<uid_t> maker_of_reply_queue(int queue_id, uid_t self, std::int64_t token) noexcept;

// Whether it is a queue that was given to `self` to be answered on, whoever asks.
bool is_reply_queue(int queue_id, uid_t self) noexcept;

// Removes reply queues that were given to `self` and whose maker has ended: ReplyQueue signs its
// queue by receiving from it once (msg_lrpid). One that cannot be judged (made in another pid
// namespace, or made by `self`) goes when nothing happened on it for `unjudged_age`. Returns how
// many.
int remove_orphaned_reply_queues(uid_t self, std::chrono::seconds unjudged_age);

}  // namespace myq
