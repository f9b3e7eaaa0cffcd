#pragma once

#include "daemon/slot_directory.hpp"
#include "daemon/worker_process.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace myq {

// A worker as whoever asks for the state of the daemon is told of it.
struct WorkerInfo {
    pid_t pid = -1;
    std::string queue, slot;
    WorkerSpec::Role role = WorkerSpec::Role::receiver;
    WorkerProcess::State state = WorkerProcess::State::waiting;
    SlotView view;
};

// All workers of the daemon, each on a slot of its own.
class Crew {
public:
    using Worker = std::unique_ptr<WorkerProcess>;

    // `body_capacity` says how large a slot must be now, for a spec that does not. `slots` must
    // outlive the object.
    Crew(const SlotDirectory& slots, std::function<std::size_t()> body_capacity)
        : slots_(slots),
          body_capacity_(std::move(body_capacity)) {}

    auto begin() const { return workers_.begin(); }
    auto end() const { return workers_.end(); }
    bool empty() const { return workers_.empty(); }
    WorkerProcess* find(pid_t pid) const;
    bool has(const WorkerSpec& spec) const;

    // A new worker, on the slot of its queue that holds a message and nobody's, else on the first
    // that is free. It is forked by spawn(), or when spawn_due() comes to it.
    WorkerProcess& hire(std::shared_ptr<const WorkerSpec> spec);

    // For each slot that holds a message and is nobody's: `spec_for` says whose it becomes, nullptr
    // for nobody's. The workers that were made.
    std::vector<WorkerProcess*> take_leftovers(
        const std::function<std::shared_ptr<const WorkerSpec>(const SlotName&)>& spec_for);

    // Forks it. Mends its slot before, or makes it larger.
    void spawn(WorkerProcess& worker);
    void spawn_due();

    // Ends them all, at once.
    void clear() { workers_.clear(); }

    // Takes out those that are gone. Their slots stay: they hold the tallies, and are used again.
    void remove_gone();

    // What became of messages, with those that are gone.
    const Tallies& settled() const { return settled_; }
    std::vector<WorkerInfo> infos() const;

private:
    std::size_t body_capacity(const WorkerSpec& spec) const;
    bool is_used(const std::string& slot) const;
    std::unique_ptr<SlotFile> free_slot(const WorkerSpec& spec) const;

    const SlotDirectory& slots_;
    std::function<std::size_t()> body_capacity_;
    std::vector<Worker> workers_;
    Tallies settled_{};
};

}  // namespace myq
