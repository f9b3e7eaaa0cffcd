#include "client/status_text.hpp"

#include "client/counted.hpp"
#include "client/moment.hpp"
#include "client/table.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace myq {

namespace {

std::string table(std::vector<Table::Column> columns,
                  const std::vector<std::vector<std::string>>& rows) {
    std::string text;
    Table table(std::move(columns), 0,
                [&](std::string_view line) { text.append("  ").append(line); });
    for (const auto& row : rows)
        table.add(row);
    table.finish();
    return text;
}

std::string number(std::uint64_t count) {
    return std::to_string(count);
}

// What is 0 is left out: a healthy queue is a short line.
std::string parts(const std::vector<std::pair<std::uint64_t, const char*>>& counts) {
    std::string text;
    for (const auto& [count, what] : counts) {
        if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
    }
    return text.empty() ? "" : fmt::format(" ({})", text);
}

std::string type_name(const DaemonStatus::Type& type) {
    const std::string name = printable(type.name);
    if (!type.type) return name.empty() ? "others" : name;
    return name.empty() ? std::to_string(*type.type) : fmt::format("{} ({})", name, *type.type);
}

DaemonStatus::Type sum(const std::vector<DaemonStatus::Type>& types) {
    DaemonStatus::Type all;
    for (const DaemonStatus::Type& type : types) {
        all.handled += type.handled;
        all.dead += type.dead;
        all.expired += type.expired;
        all.dropped += type.dropped;
        all.refused += type.refused;
        all.slots += type.slots;
        all.ready += type.ready;
        all.delayed += type.delayed;
        all.running += type.running;
    }
    return all;
}

// Nothing is lost between two of its numbers; what "sent" counts is what the daemon has seen of it.
std::string accounting(const DaemonStatus::Queue& queue) {
    const DaemonStatus::Type all = sum(queue.types);
    const std::uint64_t kernel = queue.kernel ? queue.kernel->messages : 0;
    const std::uint64_t waiting = kernel + all.waiting();
    const std::uint64_t sent = all.handled + all.dead + all.expired + all.dropped + waiting;
    const std::string refused =
        all.refused == 0
            ? ""
            : fmt::format("  refused {}: not taken, see the log of myqd\n", all.refused);
    return fmt::format(
               "  sent {} = handled {} + dead {} + expired {} + dropped {} + waiting {}{}\n", sent,
               all.handled, all.dead, all.expired, all.dropped, waiting,
               parts({{kernel, "in the kernel queue"},
                      {all.slots, "in slots"},
                      {all.ready, "ready"},
                      {all.delayed, "delayed"},
                      {all.running, "running"}})) +
           refused;
}

std::string kernel_text(const DaemonStatus::Queue& queue) {
    if (!queue.kernel) return "the kernel queue is not there";
    return fmt::format("{} of {} bytes", queue.kernel->bytes, queue.kernel->capacity);
}

std::string types_table(const std::vector<DaemonStatus::Type>& types) {
    std::vector<std::vector<std::string>> rows;
    rows.reserve(types.size());
    for (const DaemonStatus::Type& type : types) {
        rows.push_back({type_name(type), number(type.handled), number(type.retried),
                        number(type.dead), number(type.expired), number(type.dropped),
                        number(type.waiting())});
    }
    return table({{"TYPE"},
                  {"HANDLED", Table::Align::right},
                  {"RETRIED", Table::Align::right},
                  {"DEAD", Table::Align::right},
                  {"EXPIRED", Table::Align::right},
                  {"DROPPED", Table::Align::right},
                  {"WAITING", Table::Align::right}},
                 rows);
}

std::string workers_table(const DaemonStatus& status, const std::string& queue) {
    std::vector<std::vector<std::string>> rows;
    for (const DaemonStatus::Worker& worker : status.workers) {
        if (!queue.empty() && worker.queue != queue) continue;
        const bool is_busy = worker.state == "busy";
        rows.push_back({std::to_string(worker.pid), printable(worker.queue), printable(worker.role),
                        printable(worker.slot), printable(worker.state),
                        is_busy && worker.type ? std::to_string(*worker.type) : "-",
                        is_busy ? number(worker.attempt) : "-", number(worker.messages)});
    }
    if (rows.empty()) return {};
    return "\nworkers\n" + table({{"PID", Table::Align::right},
                                  {"QUEUE"},
                                  {"ROLE"},
                                  {"SLOT"},
                                  {"STATE"},
                                  {"TYPE", Table::Align::right},
                                  {"ATTEMPT", Table::Align::right},
                                  {"MESSAGES", Table::Align::right}},
                                 rows);
}

}  // namespace

std::string to_text(const DaemonStatus& status, const std::string& queue, std::int64_t now_ms) {
    std::string text = fmt::format("myqd {} is {}, pid {}, since {}\n", printable(status.version),
                                   printable(status.state), status.pid,
                                   moment(status.started_ms / 1000, now_ms / 1000));
    if (status.last_reload && !status.last_reload->refusal.empty()) {
        text += fmt::format("the reload of {} was refused, the configuration of before stays: {}\n",
                            moment(status.last_reload->at_ms / 1000, now_ms / 1000),
                            printable(status.last_reload->refusal));
    }
    if (!status.journal_error.empty()) {
        text += fmt::format("journal {}: {}\n", printable(status.journal),
                            printable(status.journal_error));
    }
    for (const DaemonStatus::Queue& one : status.queues) {
        if (!queue.empty() && one.name != queue) continue;
        text += fmt::format("\n{} ({}, durability {}, {})\n", printable(one.name),
                            printable(one.key), printable(one.durability), kernel_text(one));
        text += accounting(one);
        text += types_table(one.types);
    }
    return text + workers_table(status, queue);
}

}  // namespace myq
