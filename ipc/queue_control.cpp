// The msgctl(2) half of MessageQueue: looking at queues, changing and removing them.
#include "ipc/kernel_limits.hpp"
#include "ipc/message_queue.hpp"
#include "ipc/ownership.hpp"

#include <climits>

#include <sys/msg.h>
#include <unistd.h>

#include <cerrno>

namespace myq {

namespace {

QueueStat to_stat(int id, const msqid_ds& ds) {
    QueueStat stat;
    stat.id = id;
    stat.key = ds.msg_perm.__key;
    stat.uid = ds.msg_perm.uid;
    stat.gid = ds.msg_perm.gid;
    stat.creator_uid = ds.msg_perm.cuid;
    stat.creator_gid = ds.msg_perm.cgid;
    stat.mode = ds.msg_perm.mode & 0777U;
    stat.messages = ds.msg_qnum;
    stat.bytes = ds.__msg_cbytes;
    stat.capacity = ds.msg_qbytes;
    stat.last_send_pid = ds.msg_lspid;
    stat.last_receive_pid = ds.msg_lrpid;
    stat.last_send_time = ds.msg_stime;
    stat.last_receive_time = ds.msg_rtime;
    stat.change_time = ds.msg_ctime;
    return stat;
}

// MSG_STAT_ANY takes an index; the kernel finds it in an id by dropping the sequence number, so an
// id may be given as well, and the returned one tells whether the slot still holds the same queue.
msqid_ds look_at_queue(int id, const std::string& name) {
    msqid_ds ds{};
    const int found = msgctl(id, MSG_STAT_ANY, &ds);
    if (found < 0) throw IpcError(IpcCall::msgctl, gone_or(errno), name);
    if (found != id) throw IpcError(IpcCall::msgctl, EIDRM, name);
    return ds;
}

void check(const QueueSettings& settings, const std::string& name) {
    check(OwnershipSettings{settings.uid, settings.gid, settings.mode}, IpcCall::msgctl, name);
    // The kernel keeps an int: 4 GiB + 1 would become a capacity of one byte.
    if (settings.capacity && *settings.capacity > INT_MAX) {
        throw IpcError(IpcCall::msgctl, EINVAL, name,
                       "a capacity of " + std::to_string(*settings.capacity) +
                           " bytes is more than the kernel can keep; use at most " +
                           std::to_string(INT_MAX));
    }
}

// EPERM has two causes. Who may not change the queue at all is told so by the kernel first.
IpcError not_permitted(const msqid_ds& ds, bool asked_for_capacity, const std::string& name) {
    const uid_t me = geteuid();
    const std::uint64_t limit = kernel_limits().largest_capacity;
    const bool may_change = me == 0 || me == ds.msg_perm.uid || me == ds.msg_perm.cuid;
    // IPC_SET judges the kept capacity like a new one, also when only the mode was to change.
    if (!may_change || ds.msg_qbytes <= limit) {
        return {IpcCall::msgctl, EPERM, name,
                "only its owner, uid " + std::to_string(ds.msg_perm.uid) + ", its creator, uid " +
                    std::to_string(ds.msg_perm.cuid) + ", and root may change it; be one of them"};
    }
    const std::string bytes = std::to_string(ds.msg_qbytes);
    return {IpcCall::msgctl, EPERM, name,
            (asked_for_capacity ? "a capacity of " + bytes + " bytes"
                                : "its capacity, which would stay " + bytes + " bytes,") +
                " is above kernel.msgmnb, " + std::to_string(limit) +
                ", and this process has no CAP_SYS_RESOURCE; ask for less, or raise the limit: "
                "sysctl -w kernel.msgmnb=" +
                bytes};
}

}  // namespace

KernelLimits kernel_limits() {
    msginfo info{};
    // glibc declares one type for every command; for IPC_INFO the kernel fills a msginfo.
    if (msgctl(0, IPC_INFO, reinterpret_cast<msqid_ds*>(&info)) < 0) {
        throw IpcError(IpcCall::msgctl, errno, "limits");
    }
    return {static_cast<std::size_t>(info.msgmax), static_cast<std::uint64_t>(info.msgmnb),
            static_cast<std::uint64_t>(info.msgmni)};
}

std::size_t largest_body() {
    return kernel_limits().largest_body;
}

std::vector<QueueStat> MessageQueue::list() {
    msginfo info{};
    // The highest index in use, not a number of queues; 0 also when there is none.
    const int last = msgctl(0, MSG_INFO, reinterpret_cast<msqid_ds*>(&info));
    if (last < 0) throw IpcError(IpcCall::msgctl, errno, "list of queues");
    std::vector<QueueStat> queues;
    for (int index = 0; index <= last; ++index) {
        msqid_ds ds{};
        const int id = msgctl(index, MSG_STAT_ANY, &ds);
        if (id >= 0) queues.push_back(to_stat(id, ds));
        // An unused slot, or one that was freed a moment ago.
        else if (errno != EINVAL && errno != EIDRM) {
            throw IpcError(IpcCall::msgctl, errno, "list of queues");
        }
    }
    return queues;
}

QueueStat MessageQueue::stat() const {
    msqid_ds ds{};
    if (msgctl(id_, IPC_STAT, &ds) < 0) throw IpcError(IpcCall::msgctl, gone_or(errno), name_);
    return to_stat(id_, ds);
}

QueueStat MessageQueue::stat_any() const {
    return to_stat(id_, look_at_queue(id_, name_));
}

void MessageQueue::set(const QueueSettings& settings) const {
    check(settings, name_);
    // IPC_SET writes all four fields. IPC_STAT would need read permission, without which an owner
    // could not repair a mode that shuts him out.
    msqid_ds ds = look_at_queue(id_, name_);
    if (settings.uid) ds.msg_perm.uid = *settings.uid;
    if (settings.gid) ds.msg_perm.gid = *settings.gid;
    if (settings.mode) ds.msg_perm.mode = *settings.mode;
    if (settings.capacity) ds.msg_qbytes = *settings.capacity;
    if (msgctl(id_, IPC_SET, &ds) == 0) return;
    const int error = errno;
    if (error != EPERM) throw IpcError(IpcCall::msgctl, gone_or(error), name_);
    throw not_permitted(ds, settings.capacity.has_value(), name_);
}

void MessageQueue::remove() const {
    if (msgctl(id_, IPC_RMID, nullptr) == 0) return;
    throw IpcError(IpcCall::msgctl, gone_or(errno), name_);
}

}  // namespace myq
