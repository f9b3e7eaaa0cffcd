#include "daemon/status.hpp"

#include "daemon/unix/clock.hpp"
#include "ipc/printable.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <map>

namespace myq {

namespace {

using nlohmann::ordered_json;

const char* state_of(const WorkerInfo& worker) {
    switch (worker.state) {
    case WorkerProcess::State::waiting:
    case WorkerProcess::State::starting:
        return "starting";
    case WorkerProcess::State::ready:
        return worker.view.type != 0 && worker.view.attempts > 0 ? "busy" : "idle";
    default:
        return "leaving";
    }
}

ordered_json worker_report(const WorkerInfo& worker) {
    ordered_json json;
    const bool is_busy = worker.view.type != 0 && worker.role != WorkerSpec::Role::intake;
    json["pid"] = worker.pid;
    json["queue"] = worker.queue;
    json["role"] = name_of(worker.role);
    json["slot"] = worker.slot;
    json["state"] = state_of(worker);
    json["type"] = is_busy ? ordered_json(worker.view.type) : ordered_json(nullptr);
    json["messages"] = worker.view.messages;
    json["attempt"] = is_busy ? worker.view.attempts : 0;
    return json;
}

// What is known of the messages of one type of a queue.
struct TypeAccount {
    std::uint64_t handled = 0, retried = 0, expired = 0, refused = 0;
    std::uint64_t in_slots = 0;
    JournalCounts journal;
};

// The account of one queue, by type; 0 is every type without a handler of its own.
class QueueAccount {
public:
    explicit QueueAccount(const QueuePlan& queue) : queue_(queue) {
        for (const Route& route : queue.routes)
            types_[route.handler.type.value_or(0)];
    }

    void add(const std::vector<TallyRow>& rows) {
        for (const TallyRow& row : rows) {
            TypeAccount& account = of(row.type);
            account.handled += row.of(Tally::handled);
            account.retried += row.of(Tally::retried);
            account.expired += row.of(Tally::expired);
            account.refused += row.of(Tally::refused);
        }
    }

    // What is in a slot is in none of the other places, but for a row of the journal.
    void add_in_slot(std::int64_t type, std::uint64_t count) { of(type).in_slots += count; }

    void add(const TypeCountsInJournal& counts) {
        JournalCounts& sum = of(counts.type).journal;
        sum.ready += counts.counts.ready;
        sum.delayed += counts.counts.delayed;
        sum.running += counts.counts.running;
        sum.dead += counts.counts.dead;
        sum.dropped += counts.counts.dropped;
    }

    ordered_json types() const {
        ordered_json list = ordered_json::array();
        for (const auto& [type, account] : types_)
            list.push_back(report(type, account));
        return list;
    }

private:
    TypeAccount& of(std::int64_t type) {
        const auto found = types_.find(type);
        return found != types_.end() ? found->second : types_[0];
    }

    ordered_json report(std::int64_t type, const TypeAccount& account) const {
        const auto route =
            std::find_if(queue_.routes.begin(), queue_.routes.end(), [&](const Route& candidate) {
                return candidate.handler.type.value_or(0) == type;
            });
        ordered_json json;
        json["type"] = type == 0 ? ordered_json(nullptr) : ordered_json(type);
        json["name"] = route != queue_.routes.end() ? route->handler.name : "";
        json["handled"] = account.handled;
        json["retried"] = account.retried;
        json["dead"] = account.journal.dead;
        json["expired"] = account.expired;
        json["dropped"] = account.journal.dropped;
        json["refused"] = account.refused;
        json["waiting"] = {{"slots", account.in_slots},
                           {"ready", account.journal.ready},
                           {"delayed", account.journal.delayed},
                           {"running", account.journal.running}};
        return json;
    }

    const QueuePlan& queue_;
    std::map<std::int64_t, TypeAccount> types_;
};

ordered_json kernel_report(const QueueKey& key) {
    try {
        const QueueStat stat = MessageQueue::open(key).stat_any();
        return {{"messages", stat.messages}, {"bytes", stat.bytes}, {"capacity", stat.capacity}};
    } catch (const IpcError&) {
        return nullptr;  // removed a moment ago
    }
}

ordered_json queue_report(const QueuePlan& queue, const SlotDirectory& slots,
                          const std::vector<TypeCountsInJournal>& journal) {
    QueueAccount account(queue);
    for (const std::string& name : slots.names()) {
        if (SlotName(name).queue() != queue.config.name) continue;
        const SlotSnapshot slot = slots.look(name);
        account.add(slot.tallies);
        account.add_in_slot(0, slot.batch_size);
        if (!SlotName(name).is_intake() && slot.type != 0 && slot.row == 0)
            account.add_in_slot(slot.type, 1);
    }
    for (const TypeCountsInJournal& counts : journal) {
        if (counts.queue == queue.config.name) account.add(counts);
    }
    ordered_json json;
    json["name"] = queue.config.name;
    json["key"] = queue.config.key.text();
    json["durability"] =
        queue.config.durability == QueueConfig::Durability::journal ? "journal" : "memory";
    json["kernel"] = kernel_report(queue.config.key);
    json["types"] = account.types();
    return json;
}

Journal::TypesByQueue types_of(const Plan& plan) {
    Journal::TypesByQueue types;
    for (const QueuePlan& queue : plan.queues) {
        auto& of_queue = types[queue.config.name];
        for (const Route& route : queue.routes)
            of_queue.insert(route.handler.type.value_or(0));
    }
    return types;
}

}  // namespace

std::string status_report(const Plan& plan, const std::vector<WorkerInfo>& workers,
                          const SlotDirectory& slots, const JournalPlace& journal,
                          std::int64_t started_ms,
                          const std::optional<ReloadVerdict>& last_reload) {
    ordered_json json;
    json["version"] = MYQ_VERSION;
    json["pid"] = ::getppid();
    json["started_ms"] = started_ms;
    json["state"] = "running";
    json["reload"] = nullptr;
    if (last_reload)
        json["reload"] = {{"at_ms", last_reload->at_ms}, {"refused", last_reload->refusal}};
    json["workers"] = ordered_json::array();
    for (const WorkerInfo& worker : workers)
        json["workers"].push_back(worker_report(worker));
    std::vector<TypeCountsInJournal> counts;
    std::string error;
    try {
        Journal open(journal.directory, journal.limits, false);
        counts = open.counts(wall_clock_ms(), types_of(plan));
    } catch (const JournalError& e) {
        error = e.what();
    }
    json["queues"] = ordered_json::array();
    for (const QueuePlan& queue : plan.queues)
        json["queues"].push_back(queue_report(queue, slots, counts));
    json["journal"] = {{"path", (journal.directory / "journal.db").string()}, {"error", error}};
    return json_line(json);
}

}  // namespace myq
