#include "client/account.hpp"
#include "client/doctor/checks.hpp"
#include "ipc/message_queue.hpp"

#include <fmt/format.h>

#include <exception>

namespace myq::doctor {

namespace {

// Of the capacity, from which a queue counts as full.
constexpr std::uint64_t full_percent = 90;

void compare(const QueueConfig& queue, const QueueStat& is, const std::string& subject,
             Findings& findings) {
    const std::string reload = "service myq reload";
    if (is.mode != queue.mode) {
        findings.push_back(
            {Severity::warning, subject,
             fmt::format("its mode is {:04o}, configured is {:04o}: {}", is.mode, queue.mode,
                         is.mode == 0600 ? "closed to senders, as a stop with "
                                           "`drain` leaves it"
                                         : "somebody changed it"),
             "service myq start, or reload"});
    }
    if (!queue.group.empty() && group_name(is.gid) != queue.group) {
        findings.push_back(
            {Severity::warning, subject,
             fmt::format("its group is {}, configured is {}", group_name(is.gid), queue.group),
             reload});
    }
    if (queue.capacity && is.capacity < *queue.capacity) {
        findings.push_back(
            {Severity::warning, subject,
             fmt::format("it holds {} bytes, configured are {}", is.capacity, *queue.capacity),
             fmt::format("sysctl -w kernel.msgmnb={}, then: {}", *queue.capacity, reload)});
    }
    const std::uint64_t used = std::max(is.bytes, is.messages);
    if (used >= is.capacity / 100 * full_percent && used > 0) {
        findings.push_back({Severity::warning, subject,
                            fmt::format("nearly full: {} messages, {} of {} bytes; senders wait",
                                        is.messages, is.bytes, is.capacity),
                            "see what the workers do: myq status"});
    }
}

void check_queue(const QueueConfig& queue, bool is_served, Findings& findings) {
    const std::string subject = "queue " + queue.name;
    const std::size_t before = findings.size();
    if (!MessageQueue::exists(queue.key)) {
        if (is_served) {
            findings.push_back({Severity::error, subject,
                                fmt::format("there is no queue with the key {}", queue.key.text()),
                                "wait a second, the daemon makes it anew; else see its log"});
        } else {
            findings.push_back({Severity::fine, subject, "made when the daemon starts", ""});
        }
        return;
    }
    compare(queue, MessageQueue::open(queue.key).stat_any(), subject, findings);
    if (findings.size() == before)
        findings.push_back({Severity::fine, subject, "as configured, key " + queue.key.text(), ""});
}

void check_dead(const DaemonStatus& daemon, Findings& findings) {
    for (const DaemonStatus::Queue& queue : daemon.queues) {
        std::uint64_t dead = 0;
        for (const DaemonStatus::Type& type : queue.types)
            dead += type.dead;
        if (dead > 0) {
            findings.push_back({Severity::warning, "queue " + queue.name,
                                fmt::format("{} messages are dead, or were", dead),
                                "myq dead list"});
        }
    }
}

}  // namespace

void check_queues(const Patient& patient, Findings& findings) {
    if (!patient.config) return;
    try {
        for (const QueueConfig& queue : patient.config->queues)
            check_queue(queue, patient.daemon.has_value(), findings);
    } catch (const std::exception& e) {
        findings.push_back({Severity::unknown, "queues", e.what(), "run it as root"});
    }
    if (patient.daemon) check_dead(*patient.daemon, findings);
}

}  // namespace myq::doctor
