#include "daemon/queue_setup.hpp"

#include "ipc/kernel_limits.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <functional>
#include <set>

namespace myq {

namespace {

std::set<uid_t> trusted_creators(const QueueConfig& config, const Identity& service) {
    std::set<uid_t> trusted{0, service.uid};
    for (const std::string& user : config.creators)
        trusted.insert(find_user(user));
    return trusted;
}

bool differs(const QueueStat& is, const QueueSettings& wanted) {
    return is.uid != *wanted.uid || is.gid != *wanted.gid || is.mode != *wanted.mode ||
           (wanted.capacity && is.capacity != *wanted.capacity);
}

std::string describe_change(const QueueConfig& config, const QueueStat& was, const QueueStat& is) {
    return fmt::format(
        "queue {} ({}): was uid {} gid {} mode {:04o} capacity {}, is uid {} gid {} mode "
        "{:04o} capacity {}",
        config.name, config.key.text(), was.uid, was.gid, was.mode, was.capacity, is.uid, is.gid,
        is.mode, is.capacity);
}

// One IPC_SET; a second with what the kernel grants if the capacity was too much.
void apply(const QueueConfig& config, const MessageQueue& queue, QueueSettings wanted,
           std::vector<std::string>& remarks) {
    try {
        queue.set(wanted);
        return;
    } catch (const IpcError& e) {
        const std::uint64_t granted = kernel_limits().largest_capacity;
        // Also without a wish of ours: a queue that was once raised above the limit cannot keep it.
        const std::uint64_t asked = wanted.capacity.value_or(queue.stat_any().capacity);
        if (e.error() != EPERM || asked <= granted) throw;
        wanted.capacity = granted;
        if (differs(queue.stat_any(), wanted)) queue.set(wanted);
        remarks.push_back(fmt::format("queue {}: capacity {} wanted, kernel.msgmnb is {} and "
                                      "CAP_SYS_RESOURCE is missing: using {}; "
                                      "raise it with sysctl -w kernel.msgmnb={}",
                                      config.name, asked, granted, granted, asked));
    }
}

}  // namespace

ReadyQueue set_up_queue(const QueueConfig& config, const Identity& service) {
    const std::set<uid_t> trusted = trusted_creators(config, service);
    // 0600 until the one IPC_SET: nobody sends before the queue is as the config has it.
    const auto opened = MessageQueue::open_or_create(
        config.key, 0600, [&](uid_t uid) { return trusted.contains(uid); });
    ReadyQueue ready{opened.queue, opened.created, {}};
    QueueSettings wanted;
    wanted.uid = service.uid;
    wanted.gid = config.group.empty() ? service.gid : find_group(config.group);
    wanted.mode = config.mode;
    wanted.capacity = config.capacity;
    const QueueStat was = ready.queue.stat_any();
    if (!differs(was, wanted)) return ready;
    apply(config, ready.queue, wanted, ready.remarks);
    const QueueStat is = ready.queue.stat_any();
    const bool changed = was.uid != is.uid || was.gid != is.gid || was.mode != is.mode ||
                         was.capacity != is.capacity;
    if (!ready.created && changed) ready.remarks.push_back(describe_change(config, was, is));
    return ready;
}

void check_queue(const QueueConfig& config, const Identity& service) {
    const std::set<uid_t> trusted = trusted_creators(config, service);
    if (!config.group.empty()) find_group(config.group);
    if (!MessageQueue::exists(config.key)) return;
    MessageQueue::open_trusted(config.key, [&](uid_t uid) { return trusted.contains(uid); });
}

}  // namespace myq
