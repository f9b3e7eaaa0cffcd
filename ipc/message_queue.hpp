#pragma once

#include "ipc/ipc_error.hpp"
#include "ipc/queue_key.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace myq {

// Which messages a receive takes: the four forms of msgrcv(2)'s msgtyp.
class Selector {
public:
    static Selector any() { return {0, false}; }
    static Selector only(std::int64_t type) { return {type, false}; }
    // The lowest type that is at most `type`, first in first out within it: priorities.
    static Selector up_to(std::int64_t type) { return {-type, false}; }
    static Selector except(std::int64_t type) { return {type, true}; }

    long msgtyp() const { return msgtyp_; }
    int flags() const;         // MSG_EXCEPT or 0
    std::string text() const;  // "any", "7", "up to 10", "except 7"

    friend bool operator==(const Selector&, const Selector&) = default;

private:
    Selector(std::int64_t msgtyp, bool is_except) : msgtyp_(msgtyp), except_(is_except) {}

    std::int64_t msgtyp_;
    bool except_;
};

// A queue as msgctl(IPC_STAT) shows it; times are seconds since the epoch, 0 for never.
struct QueueStat {
    int id = -1;
    key_t key = 0;
    uid_t uid = 0, creator_uid = 0;
    gid_t gid = 0, creator_gid = 0;
    mode_t mode = 0;             // the nine permission bits
    std::uint64_t messages = 0;  // msg_qnum
    std::uint64_t bytes = 0;     // msg_cbytes: bodies only
    std::uint64_t capacity = 0;  // msg_qbytes: the most that `bytes`, and `messages`, may reach
    pid_t last_send_pid = 0, last_receive_pid = 0;
    std::time_t last_send_time = 0, last_receive_time = 0, change_time = 0;
};

// What one msgctl(IPC_SET) changes; a field that is not set stays.
struct QueueSettings {
    std::optional<uid_t> uid;
    std::optional<gid_t> gid;
    std::optional<mode_t> mode;             // 0 to 0777
    std::optional<std::uint64_t> capacity;  // msg_qbytes, at most INT_MAX: the kernel keeps an int
};

enum class Wait : bool { no, yes };
enum class Truncate : bool { no, yes };

enum class SendStatus { sent, full, interrupted };

enum class ReceiveStatus {
    received,
    empty,        // Wait::no and nothing to take
    interrupted,  // a signal handler ran: msgrcv never restarts, whatever SA_RESTART says
    too_big,      // longer than the buffer; the message stays where it is
    removed,      // the queue was removed while or before waiting
    failed        // `error` is the errno, for receive_error()
};

struct ReceiveResult {
    ReceiveStatus status;
    std::size_t size = 0;  // bytes of the body
    int error = 0;
};

struct Message {
    std::int64_t type = 0;
    std::vector<std::byte> body;
    bool truncated = false;
};

// One System V message queue, by its id.
//
// A name, not an owner: the queue outlives every process, and removing it destroys mail. So there
// is no destructor here and must never be one; remove() is a deliberate act.
// Copies are the same queue. Every function may throw IpcError; EINTR is a status, never an error.
class MessageQueue {
public:
    // The existing queue with this key. Asks for no permission (msgget flags 0), so that a sender
    // with write permission only gets in; what is not permitted shows at the first use.
    static MessageQueue open(const QueueKey& key);

    // A new queue; fails with EEXIST when the key is taken.
    static MessageQueue create(const QueueKey& key, mode_t mode);

    // The existing queue, accepted only if `trusted_creator` says yes to its creator's uid: the
    // creator keeps every right over a queue for ever, so somebody else's is refused with EPERM
    // and never adopted.
    static MessageQueue open_trusted(const QueueKey& key,
                                     const std::function<bool(uid_t)>& trusted_creator);

    struct Opened;
    // The queue with this key, made if there is none; an existing one as by open_trusted().
    static Opened open_or_create(const QueueKey& key, mode_t mode,
                                 const std::function<bool(uid_t)>& trusted_creator);

    // By the id that msgget(2) returned to somebody; `name` is what error sentences call it.
    static MessageQueue from_id(int id, std::string name = {});

    static bool exists(const QueueKey& key);

    // Every queue of this IPC namespace, by id. Needs no permission (MSG_STAT_ANY).
    static std::vector<QueueStat> list();

    int id() const { return id_; }
    const std::string& name() const { return name_; }  // "queue 0x6d797101"

    // Sends a copy of `body`. `type` must be positive and the body at most msgmax bytes: the kernel
    // says EINVAL to both, and to a removed queue; here each has its own sentence.
    [[nodiscard]] SendStatus send(std::int64_t type, std::span<const std::byte> body,
                                  Wait wait = Wait::yes) const;

    // Receives into `buffer`, which is struct msgbuf: eight bytes of type, then room for `capacity`
    // bytes of body. One system call, no allocation, no exception: the worker's hot path.
    ReceiveResult receive(void* buffer, std::size_t capacity, Selector selector, Wait wait,
                          Truncate truncate = Truncate::no) const noexcept;

    // The same for everybody else: nullopt when empty (Wait::no) or interrupted.
    // `max_size` is the largest body taken; a longer one is E2BIG and stays, or is cut with
    // Truncate::yes, and then says so in Message::truncated.
    std::optional<Message> receive(std::size_t max_size, Selector selector, Wait wait,
                                   Truncate truncate = Truncate::no) const;

    // A copy of the message at `index` (0 is the oldest), which stays; nullopt behind the last.
    // Needs read permission and a kernel with MSG_COPY.
    std::optional<Message> peek(std::size_t index) const;

    QueueStat stat() const;                         // needs read permission
    QueueStat stat_any() const;                     // needs none (MSG_STAT_ANY)
    void set(const QueueSettings& settings) const;  // needs to be owner or creator
    void remove() const;                            // needs to be owner or creator

    // The exception for a ReceiveResult that is `failed`, `too_big` or `removed`.
    IpcError receive_error(const ReceiveResult& result) const;

private:
    MessageQueue(int id, std::string name) : id_(id), name_(std::move(name)) {}

    int id_;
    std::string name_;
};

struct MessageQueue::Opened {
    MessageQueue queue;
    bool created;
};

// The largest body in bytes that this kernel lets anybody send (/proc/sys/kernel/msgmax).
std::size_t largest_body();

}  // namespace myq
