#include "ipc/reply_queue.hpp"

#include "ipc/has_ended.hpp"
#include "ipc/random.hpp"

#include <signal.h>
#include <sys/msg.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <new>
#include <utility>

namespace myq {

namespace {

constexpr mode_t reply_queue_mode = 0600;

// 63 random bits, since a message type is a positive number.
std::int64_t random_token() {
    std::array<std::byte, sizeof(std::int64_t)> bytes{};
    fill_random(bytes);
    std::int64_t token = 0;
    std::memcpy(&token, bytes.data(), bytes.size());
    token = static_cast<std::int64_t>(static_cast<std::uint64_t>(token) >> 1U);
    return std::clamp<std::int64_t>(token, 1, std::numeric_limits<std::int64_t>::max() - 1);
}

// The type of the proof: not the token itself, by which its maker receives.
std::int64_t proof_of(std::int64_t token) {
    return token + 1;
}

void remove_if_there(const MessageQueue& queue) noexcept {
    try {
        queue.remove();
    } catch (const IpcError&) {
        // Somebody who may was faster.
    }
}

// struct msgbuf of its own length: on the stack as far as it fits, since the daemon answers many
// and at its busiest.
ReplyStatus send_without_waiting(int queue_id, std::int64_t token,
                                 std::span<const std::byte> body) noexcept {
    constexpr std::size_t type_size = sizeof token;
    std::array<std::byte, type_size + 8192> small;
    std::unique_ptr<std::byte[]> large;
    std::byte* message = small.data();
    if (body.size() > small.size() - type_size) {
        large.reset(new (std::nothrow) std::byte[type_size + body.size()]);
        if (!large) return ReplyStatus::full;
        message = large.get();
    }
    std::memcpy(message, &token, type_size);
    if (!body.empty()) std::memcpy(message + type_size, body.data(), body.size());
    if (msgsnd(queue_id, message, body.size(), IPC_NOWAIT) == 0) return ReplyStatus::sent;
    switch (errno) {
    case EAGAIN:
    case ENOMEM:
        return ReplyStatus::full;
    case EACCES:
        return ReplyStatus::untrusted;
    default:
        return ReplyStatus::gone;
    }
}

// An id comes from a stranger, who may have named somebody's queue, or one of ours, to make us
// write what they could not, or use up its room.
bool is_given_queue(const msqid_ds& queue, uid_t self) {
    return queue.msg_perm.__key == IPC_PRIVATE && queue.msg_perm.uid == self &&
           (queue.msg_perm.mode & 0777U) == reply_queue_mode;
}

// Whether its first message is the proof of this token; looks at it without a copy of any body. The
// maker put it there before it gave the queue to us, and takes only answers. A kernel that cannot
// show it (no CONFIG_CHECKPOINT_RESTORE) leaves the queue to whoever knows its number.
bool is_proved(int queue_id, std::int64_t token) noexcept {
    std::int64_t type = 0;
    if (msgrcv(queue_id, &type, 0, 0, MSG_COPY | IPC_NOWAIT) != 0) return errno == ENOSYS;
    return token < std::numeric_limits<std::int64_t>::max() && type == proof_of(token);
}

// A memory read; exact to some milliseconds.
std::int64_t coarse_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

bool is_idle(const QueueStat& queue, std::time_t now, std::chrono::seconds age) {
    const std::time_t last =
        std::max({queue.last_send_time, queue.last_receive_time, queue.change_time});
    return now - last >= age.count();
}

// Removing a queue destroys mail, and nothing says what a queue without a key is for. So:
// - One that another user gave to us, with mode 0600, was given to be answered on: no other queue
//   of ours comes about like that. Its last receiver is its maker. A number that the kernel gave to
//   another process since then only makes it stay for longer. No number, 0, means that nobody has
//   received, or somebody in a pid namespace that we cannot see into: then only time can tell.
// - One that our own user made may be anything, for instance what the processes of another program
//   talk on; a process of theirs may have received last and ended since. It goes only if the last
//   process at each end is known and has ended, and nothing has happened for the age too.
bool is_orphaned(const QueueStat& queue, uid_t self, std::time_t now, std::chrono::seconds age) {
    if (queue.key != IPC_PRIVATE || queue.uid != self || queue.mode != reply_queue_mode) {
        return false;
    }
    if (queue.creator_uid == self) {
        return has_ended(queue.last_receive_pid) && has_ended(queue.last_send_pid) &&
               is_idle(queue, now, age);
    }
    if (queue.last_receive_pid == 0) return is_idle(queue, now, age);
    return has_ended(queue.last_receive_pid);
}

}  // namespace

ReplyQueue::ReplyQueue(uid_t daemon)
    : queue_(MessageQueue::create(QueueKey::private_queue(), reply_queue_mode)),
      longest_(largest_body()) {
    try {
        token_ = random_token();
        // The signature: what is received last, and by whom, stays on record. Before the queue is
        // given away, so that the daemon never sees it unsigned.
        std::ignore = queue_.send(1, {}, Wait::no);
        std::ignore = queue_.receive(0, Selector::any(), Wait::no);
        std::ignore = queue_.send(proof_of(token_), {}, Wait::no);
        queue_.set({.uid = daemon, .gid = {}, .mode = reply_queue_mode, .capacity = {}});
    } catch (...) {
        remove_if_there(queue_);
        throw;
    }
}

ReplyQueue::~ReplyQueue() {
    remove_if_there(queue_);
}

std::optional<Message> ReplyQueue::receive(Wait wait) const {
    // The proof stays. Of any length: kernel.msgmax was asked for once, and what is longer is no
    // answer.
    for (;;) {
        std::optional<Message> message =
            queue_.receive(longest_, Selector::only(token_), wait, Truncate::yes);
        if (!message || !message->truncated) return message;
    }
}

// What was found is believed for so long: its maker may change the queue, which only harms what is
// theirs, but the kernel gives its id to no other queue before 65 535 more were made (ipc/util.c,
// ipcid_seq_max()), and that takes several times as long.
ReplyStatus ReplySender::send(int queue_id, std::int64_t token, std::span<const std::byte> body,
                              Spare spare) noexcept {
    constexpr std::int64_t trust_ns = 10'000'000;
    if (token <= 0) return ReplyStatus::untrusted;
    const std::int64_t now = coarse_ns();
    const bool needs_spare = spare.bytes != 0 || spare.messages != 0;
    const bool is_known = queue_id == known_ && token == known_token_ && now < known_until_ns_;
    if (needs_spare || !is_known) {
        msqid_ds ds{};
        known_ = -1;
        if (msgctl(queue_id, IPC_STAT, &ds) != 0) {
            return errno == EACCES ? ReplyStatus::untrusted : ReplyStatus::gone;
        }
        if (!is_given_queue(ds, self_)) return ReplyStatus::untrusted;
        if (!is_known && !is_proved(queue_id, token)) return ReplyStatus::untrusted;
        known_ = queue_id;
        known_token_ = token;
        known_until_ns_ = now + trust_ns;
        const std::size_t bytes = ds.__msg_cbytes + body.size() + spare.bytes;
        if (bytes > ds.msg_qbytes || ds.msg_qnum + 1 + spare.messages > ds.msg_qbytes) {
            return ReplyStatus::full;
        }
    }
    return send_without_waiting(queue_id, token, body);
}

ReplyStatus send_reply(int queue_id, uid_t self, std::int64_t token,
                       std::span<const std::byte> body, Spare spare) noexcept {
    return ReplySender(self).send(queue_id, token, body, spare);
}

std::optional<uid_t> maker_of_reply_queue(int queue_id, uid_t self, std::int64_t token) noexcept {
    msqid_ds ds{};
    if (msgctl(queue_id, IPC_STAT, &ds) != 0 || !is_given_queue(ds, self)) return std::nullopt;
    if (!is_proved(queue_id, token)) return std::nullopt;
    return ds.msg_perm.cuid;
}

bool is_reply_queue(int queue_id, uid_t self) noexcept {
    msqid_ds ds{};
    return msgctl(queue_id, IPC_STAT, &ds) == 0 && is_given_queue(ds, self);
}

int remove_orphaned_reply_queues(uid_t self, std::chrono::seconds unjudged_age) {
    const std::time_t now = std::time(nullptr);
    int removed = 0;
    for (const QueueStat& stat : MessageQueue::list()) {
        if (!is_orphaned(stat, self, now, unjudged_age)) continue;
        try {
            MessageQueue::from_id(stat.id).remove();
            ++removed;
        } catch (const IpcError&) {
            // Its creator, who keeps every right, removed it or took it back meanwhile.
        }
    }
    return removed;
}

}  // namespace myq
