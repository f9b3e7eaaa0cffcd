#include "ipc/message_queue.hpp"

#include "ipc/kernel_limits.hpp"

#include <climits>

#include <sys/msg.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

namespace myq {

namespace {

constexpr std::size_t type_bytes = sizeof(long);  // what struct msgbuf begins with
static_assert(type_bytes == sizeof(std::int64_t), "message types are 64 bits wide here");

std::string queue_object(const QueueKey& key) {
    return key.is_private() ? "private queue" : "queue " + key.text();
}

std::string octal(mode_t mode) {
    char text[8];
    std::snprintf(text, sizeof text, "%04o", mode & 07777U);
    return text;
}

// Sends EINVAL apart into its three causes. A removed queue becomes EIDRM, so that one number
// means "gone" in every call.
IpcError send_error(int error, const std::string& name, std::int64_t type, std::size_t size) {
    if (error != EINVAL) return {IpcCall::msgsnd, error, name};
    if (type <= 0) {
        return {IpcCall::msgsnd, EINVAL, name,
                "type " + std::to_string(type) + " is not positive; use 1 to 9223372036854775807"};
    }
    if (const std::size_t limit = largest_body(); size > limit) {
        return {IpcCall::msgsnd, EINVAL, name,
                "a body of " + std::to_string(size) + " bytes is longer than kernel.msgmax, " +
                    std::to_string(limit) +
                    "; send less, or raise it: sysctl -w kernel.msgmax=" + std::to_string(size)};
    }
    return {IpcCall::msgsnd, EIDRM, name};
}

// Throws unless the queue, which exists already, was made by somebody who is trusted.
void check_creator(const MessageQueue& queue, const std::function<bool(uid_t)>& trusted_creator) {
    const QueueStat stat = queue.stat_any();
    if (trusted_creator(stat.creator_uid)) return;
    const std::string id = std::to_string(queue.id());
    throw IpcError(IpcCall::msgget, EPERM, queue.name(),
                   queue.name() + " (id " + id + ") was created by uid " +
                       std::to_string(stat.creator_uid) + ", mode " + octal(stat.mode) +
                       "; it is not ours and is never adopted; inspect: ipcs -q -i " + id +
                       "; remove: ipcrm -q " + id);
}

}  // namespace

int Selector::flags() const {
    return except_ ? MSG_EXCEPT : 0;
}

std::string Selector::text() const {
    if (except_) return "except " + std::to_string(msgtyp_);
    if (msgtyp_ == 0) return "any";
    if (msgtyp_ > 0) return std::to_string(msgtyp_);
    return "up to " + std::to_string(-msgtyp_);
}

MessageQueue MessageQueue::open(const QueueKey& key) {
    // msgget(IPC_PRIVATE) would make a queue, whatever the flags.
    if (key.is_private()) {
        throw IpcError(IpcCall::msgget, ENOENT, queue_object(key),
                       "a private queue has no key to be found by; use its id");
    }
    const int id = msgget(key.value(), 0);
    if (id < 0) throw IpcError(IpcCall::msgget, errno, queue_object(key));
    return {id, queue_object(key)};
}

MessageQueue MessageQueue::create(const QueueKey& key, mode_t mode) {
    const int id = msgget(key.value(), IPC_CREAT | IPC_EXCL | static_cast<int>(mode & 0777U));
    if (id < 0) throw IpcError(IpcCall::msgget, errno, queue_object(key));
    return {id, key.is_private() ? "private queue " + std::to_string(id) : queue_object(key)};
}

MessageQueue MessageQueue::open_trusted(const QueueKey& key,
                                        const std::function<bool(uid_t)>& trusted_creator) {
    MessageQueue queue = open(key);
    check_creator(queue, trusted_creator);
    return queue;
}

MessageQueue::Opened
MessageQueue::open_or_create(const QueueKey& key, mode_t mode,
                             const std::function<bool(uid_t)>& trusted_creator) {
    // Never IPC_CREAT without IPC_EXCL: that attaches to a stranger's queue without a word. Each
    // turn of the loop means that somebody made or removed the queue in between. The usual case
    // comes first, and throws nothing.
    for (int turns = 0;; ++turns) {
        try {
            return {open_trusted(key, trusted_creator), false};
        } catch (const IpcError& e) {
            if (e.error() != ENOENT && e.error() != EIDRM) throw;
        }
        try {
            return {create(key, mode), true};
        } catch (const IpcError& e) {
            if (e.error() != EEXIST || turns == 1000) throw;
        }
    }
}

MessageQueue MessageQueue::from_id(int id, std::string name) {
    if (name.empty()) name = "queue with id " + std::to_string(id);
    return {id, std::move(name)};
}

bool MessageQueue::exists(const QueueKey& key) {
    return !key.is_private() && (msgget(key.value(), 0) >= 0 || errno != ENOENT);
}

SendStatus MessageQueue::send(std::int64_t type, std::span<const std::byte> body, Wait wait) const {
    // msgsnd wants type and body in one piece.
    const auto message = std::make_unique_for_overwrite<std::byte[]>(type_bytes + body.size());
    std::memcpy(message.get(), &type, type_bytes);
    if (!body.empty()) std::memcpy(message.get() + type_bytes, body.data(), body.size());
    const int flags = wait == Wait::yes ? 0 : IPC_NOWAIT;
    if (msgsnd(id_, message.get(), body.size(), flags) == 0) return SendStatus::sent;
    const int error = errno;
    if (error == EAGAIN) return SendStatus::full;
    if (error == EINTR) return SendStatus::interrupted;
    throw send_error(error, name_, type, body.size());
}

ReceiveResult MessageQueue::receive(void* buffer, std::size_t capacity, Selector selector,
                                    Wait wait, Truncate truncate) const noexcept {
    const int flags = selector.flags() | (wait == Wait::yes ? 0 : IPC_NOWAIT) |
                      (truncate == Truncate::yes ? MSG_NOERROR : 0);
    const ssize_t size = msgrcv(id_, buffer, capacity, selector.msgtyp(), flags);
    if (size >= 0) return {ReceiveStatus::received, static_cast<std::size_t>(size), 0};
    const int error = errno;
    switch (error) {
    case ENOMSG:
        return {ReceiveStatus::empty, 0, error};
    case EINTR:
        return {ReceiveStatus::interrupted, 0, error};
    case E2BIG:
        return {ReceiveStatus::too_big, 0, error};
    case EIDRM:
        return {ReceiveStatus::removed, 0, error};
    case EINVAL:
        // The only other cause is a capacity beyond what a signed size holds.
        if (capacity <= LONG_MAX) return {ReceiveStatus::removed, 0, error};
        break;
    default:
        break;
    }
    return {ReceiveStatus::failed, 0, error};
}

std::optional<Message> MessageQueue::receive(std::size_t max_size, Selector selector, Wait wait,
                                             Truncate truncate) const {
    // With MSG_NOERROR the kernel cuts without a word; one byte more than wanted tells.
    const std::size_t capacity = max_size + (truncate == Truncate::yes ? 1 : 0);
    const auto buffer = std::make_unique_for_overwrite<std::byte[]>(type_bytes + capacity);
    const ReceiveResult result = receive(buffer.get(), capacity, selector, wait, truncate);
    if (result.status == ReceiveStatus::empty || result.status == ReceiveStatus::interrupted) {
        return std::nullopt;
    }
    if (result.status != ReceiveStatus::received) throw receive_error(result);
    Message message;
    std::memcpy(&message.type, buffer.get(), type_bytes);
    message.truncated = result.size > max_size;
    const std::byte* body = buffer.get() + type_bytes;
    message.body.assign(body, body + std::min(result.size, max_size));
    return message;
}

std::optional<Message> MessageQueue::peek(std::size_t index) const {
    const std::size_t capacity = largest_body();
    std::vector<std::byte> buffer(type_bytes + capacity);
    const ssize_t size =
        msgrcv(id_, buffer.data(), capacity, static_cast<long>(index), MSG_COPY | IPC_NOWAIT);
    if (size < 0) {
        const int error = errno;
        if (error == ENOMSG) return std::nullopt;
        if (error == E2BIG) {
            // The kernel makes its copy no longer than msgmax, whatever buffer it is given.
            throw IpcError(IpcCall::msgrcv, E2BIG, name_,
                           "message " + std::to_string(index) + " is longer than kernel.msgmax, " +
                               std::to_string(capacity) +
                               ", and cannot be copied; raise it: sysctl -w kernel.msgmax=N");
        }
        throw IpcError(IpcCall::msgrcv, error == EINVAL ? EIDRM : error, name_);
    }
    Message message;
    std::memcpy(&message.type, buffer.data(), type_bytes);
    const auto body = buffer.begin() + type_bytes;
    message.body.assign(body, body + size);
    return message;
}

IpcError MessageQueue::receive_error(const ReceiveResult& result) const {
    const int error = result.status == ReceiveStatus::removed ? EIDRM : result.error;
    return {IpcCall::msgrcv, error, name_};
}

}  // namespace myq
