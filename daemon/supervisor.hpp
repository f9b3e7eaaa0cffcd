#pragma once

#include "daemon/crew.hpp"
#include "daemon/delivery.hpp"
#include "daemon/delivery_judge.hpp"
#include "daemon/generation.hpp"
#include "daemon/slot_directory.hpp"
#include "daemon/standby.hpp"
#include "daemon/unix/daemonize.hpp"
#include "daemon/unix/signals.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace myq {

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
        // Of a reload: before it; and "" when no message goes to the generation of before any more,
        // else why that one stays.
        std::function<void()> reload_begins = {};
        std::function<void(const std::string& refusal)> reload_ended = {};
        // Somebody asks: a descriptor that is readable then, and what is done about it. True: they
        // want a reload.
        int control_fd = -1;
        std::function<bool(const std::vector<WorkerInfo>&, const Generation&)> on_control = {};
        // One that is no worker has ended.
        std::function<void(pid_t, int wait_status)> on_other_child = {};
        std::function<void()> every_minute = {};  // while it works
        Deliveries* deliveries = nullptr;         // outlives the supervisor
    };

    Supervisor(const SlotDirectory& slots, Hooks hooks);

    // Starts the first generation, reports ready, and works until it is told to stop. Returns when
    // the last worker is gone. Throws StartFailure, with every worker ended, when one of the first
    // cannot start.
    void run(Generation first, Readiness& readiness);

private:
    using Worker = Crew::Worker;
    enum class Stopping { no, workers, draining };

    // The loop and what wakes it.
    void wait_for_event();
    void handle_signals();
    void handle_reports();
    void reap();
    void tick();
    Clock::time_point next_wakeup() const;

    // Generations.
    void start(Generation first);
    void bring_up(Generation generation);
    void commit_when_ready();
    void commit_incoming();
    void dismiss_strangers(std::chrono::milliseconds patience);
    void abandon_incoming(const std::string& reason);
    void reload();
    void end_reload(const std::string& refusal);
    void refuse_reload();
    bool takes_from_before() const;
    void stop(bool with_drain);
    void drain();

    // New code while the daemon works.
    void look_for_delivery();
    Clock::time_point next_delivery_look() const;
    void consult_judge(Clock::time_point now);
    void reject_delivery(const std::string& reason);
    void postpone_delivery();
    bool ended_on_trial(WorkerProcess& worker, const WorkerProcess::End& end);

    // Workers.
    void hire_wanted();
    bool hire(const std::shared_ptr<const WorkerSpec>& spec);
    void recycle();
    void on_end(WorkerProcess& worker, const WorkerProcess::End& end);
    static void respawn(WorkerProcess& worker, Life last);
    void settle_orphan(WorkerProcess& worker, Life last);
    bool is_current(const WorkerProcess& worker) const;
    bool is_stranger(const WorkerProcess& worker) const;
    bool is_on_demand(const WorkerProcess& worker) const;
    bool is_incoming(const WorkerProcess& worker) const;
    void adopt_leftovers();

    Hooks hooks_;
    SignalQueue signals_;
    Crew workers_;
    std::shared_ptr<const Generation> current_ = std::make_shared<Generation>();
    std::optional<Standby> standby_;      // of the current generation
    std::optional<Generation> incoming_;  // comes up while the current one still works
    std::optional<DeliveryJudge> judge_;  // of the newest code
    // Of code that was rejected: some of its workers may still be there.
    std::optional<DeliveryJudge> condemned_;
    Stopping stopping_ = Stopping::no;
    bool started_ = false;
    bool drain_wanted_ = false;
    bool reload_wanted_ = false;
    bool is_reload_ = false;    // what comes up was asked for by somebody
    bool is_settling_ = false;  // it came up: those of before are on their way out
    bool others_may_be_left_ = false;
    Clock::time_point drain_ends_{};
    Clock::time_point next_minute_ = Clock::now() + std::chrono::minutes{1};
};

}  // namespace myq
