#include "client/kernel_table.hpp"

#include "config/config.hpp"
#include "ipc/kernel_limits.hpp"
#include "ipc/message_queue.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>

namespace myq {

namespace {

// The longest answer to a sender that asks for confirmations: docs/wire-format.md.
constexpr std::uint64_t longest_answer = 8192;

std::optional<std::uint64_t> largest_capacity(const Config& config) {
    std::optional<std::uint64_t> largest;
    for (const QueueConfig& queue : config.queues)
        largest = std::max(largest, queue.capacity);
    return largest;
}

void add_messages(std::vector<KernelRow>& rows, const std::optional<Config>& config) {
    const KernelLimits limits = kernel_limits();
    KernelRow body{"kernel.msgmax", limits.largest_body, {}, {}, "bytes in one message"};
    KernelRow capacity{"kernel.msgmnb", limits.largest_capacity, {}, {}, "bytes in one queue"};
    KernelRow count{"kernel.msgmni", limits.queues, MessageQueue::list().size(), {}, "queues"};
    if (config) {
        body.needed = longest_answer;
        capacity.needed = largest_capacity(*config);
        count.needed = config->queues.size();
    }
    rows.insert(rows.end(), {body, capacity, count});
}

void add_memory(std::vector<KernelRow>& rows) {
    const SharedMemoryLimits limits = shared_memory_limits();
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    rows.push_back({"kernel.shmmax", limits.largest_segment, {}, {}, "bytes in one segment"});
    rows.push_back({"kernel.shmall",
                    limits.all_segments / page,
                    limits.bytes_used / page,
                    {},
                    fmt::format("pages of {} bytes in all segments", page)});
    rows.push_back({"kernel.shmmni", limits.segments, limits.segments_used, {}, "segments"});
}

void add_semaphores(std::vector<KernelRow>& rows) {
    const SemaphoreLimits limits = semaphore_limits();
    rows.push_back({"kernel.sem[1]", limits.members, {}, {}, "semaphores in one set (SEMMSL)"});
    rows.push_back({"kernel.sem[2]",
                    limits.semaphores,
                    limits.semaphores_used,
                    {},
                    "semaphores in all sets (SEMMNS)"});
    rows.push_back(
        {"kernel.sem[3]", limits.operations, {}, {}, "operations in one semop (SEMOPM)"});
    rows.push_back({"kernel.sem[4]", limits.sets, limits.sets_used, {}, "sets (SEMMNI)"});
}

}  // namespace

std::vector<KernelRow> kernel_table(const std::optional<Config>& config) {
    std::vector<KernelRow> rows;
    add_messages(rows, config);
    add_memory(rows);
    add_semaphores(rows);
    return rows;
}

}  // namespace myq
