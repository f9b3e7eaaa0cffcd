#include "client/account.hpp"
#include "client/doctor/checks.hpp"
#include "client/doctor/process_rights.hpp"
#include "ipc/message_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <string>
#include <vector>

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

// What the daemon can do with it, not what it should.
void check_rights(const QueueStat& is, const DaemonStatus& daemon, const std::string& subject,
                  Findings& findings) {
    const auto rights = rights_of(daemon.pid);
    if (!rights || rights->may_receive(is)) return;
    findings.push_back({Severity::error, subject,
                        fmt::format("user {}, as whom the daemon runs, may not receive from it: it "
                                    "belongs to {}, mode {:04o}",
                                    user_name(rights->uid), user_name(is.uid), is.mode),
                        "service myq restart, which gives it back"});
}

// A worker without a process has ended, and the next one comes after a pause.
void check_workers(const DaemonStatus& daemon, const std::string& queue, Findings& findings) {
    std::map<std::string, std::vector<pid_t>> by_role;
    for (const DaemonStatus::Worker& worker : daemon.workers) {
        if (worker.queue == queue) by_role[worker.role].push_back(worker.pid);
    }
    for (const auto& [role, pids] : by_role) {
        if (std::ranges::any_of(pids, [](pid_t pid) { return pid > 0; })) continue;
        findings.push_back({Severity::error, "queue " + queue,
                            fmt::format("none of its workers lives ({} {}): each ended, and the "
                                        "next comes after a pause",
                                        pids.size(), role),
                            "see why in the daemon's log"});
    }
}

void check_queue(const QueueConfig& queue, const std::optional<DaemonStatus>& daemon,
                 Findings& findings) {
    const std::string subject = "queue " + queue.name;
    const std::size_t before = findings.size();
    if (daemon) check_workers(*daemon, queue.name, findings);
    if (!MessageQueue::exists(queue.key)) {
        if (daemon) {
            findings.push_back({Severity::error, subject,
                                fmt::format("there is no queue with the key {}", queue.key.text()),
                                "wait a second, the daemon makes it anew; else see its log"});
        } else {
            findings.push_back({Severity::fine, subject, "made when the daemon starts", ""});
        }
        return;
    }
    const QueueStat is = MessageQueue::open(queue.key).stat_any();
    compare(queue, is, subject, findings);
    if (daemon) check_rights(is, *daemon, subject, findings);
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
    for (const QueueConfig& queue : patient.config->queues) {
        try {
            check_queue(queue, patient.daemon, findings);
        } catch (const std::exception& e) {
            findings.push_back(
                {Severity::unknown, "queue " + queue.name, e.what(), "run it as root"});
        }
    }
    if (patient.daemon) check_dead(*patient.daemon, findings);
}

}  // namespace myq::doctor
