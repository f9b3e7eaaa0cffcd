#pragma once

#include "daemon/slot_directory.hpp"
#include "daemon/unix/daemonize.hpp"
#include "daemon/unix/signals.hpp"
#include "daemon/worker_process.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace myq {

// A set of workers that belong to one reading of the configuration.
struct Generation {
    std::vector<std::shared_ptr<const WorkerSpec>> workers;
    std::chrono::milliseconds stop_timeout{10'000};
    std::optional<std::chrono::milliseconds> shortest_timeout;  // of any handler
};

// A worker could not start while the daemon did.
class StartFailure : public std::runtime_error {
public:
    StartFailure(int code, const std::string& sentence)
        : std::runtime_error(sentence),
          code_(code) {}
    int exit_code() const { return code_; }

private:
    int code_;
};

// The daemon's parent process: forks workers, reaps and paces them, ends what takes too long,
// reloads and stops. One thread. It maps no plugin and parses no message; it is given the child's
// body as a function and knows nothing of queues.
class Supervisor {
public:
    struct Hooks {
        std::function<Generation()> reload;  // a new generation, complete, or a throw
        std::function<void()> reopen_log;
        std::function<std::size_t()> body_capacity;  // how large a slot must be now
    };

    Supervisor(const SlotDirectory& slots, Hooks hooks);

    // Starts the first generation, reports ready, and works until it is told to stop. Returns when
    // the last worker is gone. Throws StartFailure, with every worker ended, when one of the first
    // cannot start.
    void run(Generation first, Readiness& readiness);

private:
    using Worker = std::unique_ptr<WorkerProcess>;

    // The loop and what wakes it.
    void wait_for_event();
    void handle_signals();
    void handle_reports();
    void reap();
    void tick();
    Clock::time_point next_wakeup() const;

    // Generations.
    void bring_up(Generation generation);
    void commit_incoming();
    void abandon_incoming(const std::string& reason);
    void reload();
    void stop();

    // Workers.
    void spawn_due();
    void spawn(WorkerProcess& worker);
    void on_end(WorkerProcess& worker, const WorkerProcess::End& end);
    void settle_orphan(WorkerProcess& worker, bool paced);
    bool is_current(const WorkerProcess& worker) const;
    bool is_incoming(const WorkerProcess& worker) const;
    void remove_gone();

    // Slots.
    std::unique_ptr<SlotFile> free_slot(const std::string& queue) const;
    std::set<std::string> used_slots() const;
    void adopt_leftovers();

    const SlotDirectory& slots_;
    Hooks hooks_;
    SignalQueue signals_;
    std::vector<Worker> workers_;
    Generation current_;
    std::optional<Generation> incoming_;  // comes up while the current one still works
    bool started_ = false;
    bool stopping_ = false;
    bool reload_wanted_ = false;
    SlotCounts total_;
};

}  // namespace myq
