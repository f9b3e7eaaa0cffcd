#pragma once

#include "daemon/respawn_pace.hpp"
#include "daemon/slot.hpp"
#include "daemon/slot_directory.hpp"
#include "daemon/unix/owned.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace myq {

// What a worker is given by the supervisor, in the worker's own process.
struct WorkerSeat {
    const SlotFile& slot;
    Fd& report;            // for Readiness: ready, or why not
    pid_t supervisor;      // who it works for
    bool settle_only;      // settle what is in the slot, then leave
    std::string last_end;  // how the slot's last worker ended, "" for none
    // Why that was: decides what becomes of the message that it left.
    enum class Cause {
        unknown,    // there was none, or the whole daemon was killed
        killed,     // SIGKILL from outside: not the message's fault, as far as one can see
        crashed,    // any other signal or exit
        timed_out,  // killed by us
        on_trial,   // by new code that is taken back: not the message's fault
    } cause = Cause::unknown;
};

// One worker to keep alive: what it is called and what its process runs.
struct WorkerSpec {
    std::string queue;
    std::function<int(const WorkerSeat&)> body;
    enum class Role { receiver, journal, intake } role = Role::receiver;
    bool is_intake() const { return role == Role::intake; }
    bool leaves_by_itself = false;  // when nothing is left to do
    // It leaves now and then, in order, also with something in its slot, and its successor goes on.
    bool works_in_shifts = false;
    // What `body` uses of what the supervisor has open, beyond its seat: its process has no more.
    std::vector<int> descriptors = {};
    // How large its slot must be now; not set: as the supervisor's hook says.
    std::function<std::size_t()> body_capacity = {};
    // When it leaves for a fresh one; see RecycleConfig. Not set: never.
    struct Recycle {
        std::optional<std::uint64_t> max_messages;
        std::optional<std::chrono::milliseconds> max_age;
        std::optional<std::uint64_t> max_rss;
        bool is_set() const { return max_messages || max_age || max_rss; }
    } recycle = {};
};

const char* name_of(WorkerSpec::Role role);  // "receiver"

using Clock = std::chrono::steady_clock;

// Settled messages by what became of them, in the order of Tally.
using Tallies = std::array<std::uint64_t, tally_kinds>;
Tallies total(const std::vector<TallyRow>& rows);

// A worker as its supervisor sees it: the slot stays, processes on it come and go.
class WorkerProcess {
public:
    enum class State {
        waiting,  // no process; one is due at `spawn_at`
        starting,
        ready,
        leaving,  // asked to leave
        gone,     // no process, and none to come
    };

    WorkerProcess(std::shared_ptr<const WorkerSpec> spec, std::unique_ptr<SlotFile> slot)
        : spec_(std::move(spec)),
          slot_(std::move(slot)),
          settled_before_(total(slot_->tallies())) {}

    State state() const { return state_; }
    const WorkerSpec& spec() const { return *spec_; }
    const std::shared_ptr<const WorkerSpec>& shared_spec() const { return spec_; }
    const SlotFile& slot() const { return *slot_; }
    pid_t pid() const { return pid_.value(); }
    int report_fd() const { return report_.value(); }  // -1 once it has reported
    bool settle_only() const { return settle_only_; }

    // When the loop must look at it again at the latest.
    std::optional<Clock::time_point> next_event() const;

    void spawn();
    // Between two processes: who has the slot then is nobody of ours.
    void evade_stranger() { slot_->evade_stranger(); }
    // Between two processes: the same slot, empty, larger or mended.
    void renew_slot(const SlotDirectory& slots, std::size_t body_capacity);

    // What the report pipe has: why the worker cannot start, with the exit code that fits; nullopt
    // when it is ready, or ended without a word, which ended() will tell.
    struct Failure {
        int exit_code;
        std::string sentence;
    };
    std::optional<Failure> read_report();

    // Has it open its log anew; once it is ready, if it is not yet: before, the signal would end
    // it.
    void reopen_log();

    // Asks it to leave, with SIGTERM again and again, and SIGKILL when `patience` has run out.
    void ask_to_leave(std::chrono::milliseconds patience, const std::string& reason = {});
    // Does what is due: repeats SIGTERM, kills, notices that the handler's time is up.
    void tick(Clock::time_point now);

    // The process has ended. Decides, and remembers for the next one, how it ended. It stays gone
    // unless schedule_respawn() follows.
    struct End {
        std::string text;  // "killed by SIGSEGV"
        bool expected;     // it was asked to leave and did
        Life life;
        bool occupied;    // a message is left in the slot
        bool shift_over;  // see WorkerSpec::works_in_shifts
    };
    End ended(int wait_status);

    // The next process comes after the pause that this returns; see RespawnPace.
    std::chrono::milliseconds schedule_respawn(Life last);
    void retire() { state_ = State::gone; }

    // Why it was that the process ended. It may turn out to have been the fault of new code.
    WorkerSeat::Cause last_cause() const { return last_cause_; }
    void blame_new_code() { last_cause_ = WorkerSeat::Cause::on_trial; }

    // From now on only settles what is in the slot, by the means of `spec`.
    void settle_with(std::shared_ptr<const WorkerSpec> spec) {
        spec_ = std::move(spec);
        settle_only_ = true;
    }

    // It has reached a limit of its spec's `recycle`.
    bool is_worn(Clock::time_point now) const;
    // It is asked to leave once its successor is there, and stays gone.
    void replace() { replaced_ = true; }
    bool is_replaced() const { return replaced_; }

    // The outcomes since this object was made.
    Tallies settled() const;

private:
    void check_deadline(Clock::time_point now);
    void look_at_life(Clock::time_point now);
    Life life_of(const SlotView& last, bool expected, bool killed) const;
    bool is_deaf() const;

    std::shared_ptr<const WorkerSpec> spec_;
    std::unique_ptr<SlotFile> slot_;
    Tallies settled_before_{};
    bool settle_only_ = false;
    bool replaced_ = false;
    bool was_ready_ = false;  // the present process; it knows what to do about signals
    bool was_useful_ = false;
    bool was_deaf_ = false;  // when it was asked to leave last
    bool reopen_wanted_ = false;
    int idle_shifts_ = 0;  // in a row, and short
    double wear_ = 1;  // by what its limits are multiplied, so that siblings do not leave together
    State state_ = State::waiting;
    ChildPid pid_;
    Fd report_;
    std::uint64_t messages_at_birth_ = 0;
    Clock::time_point born_, next_look_, spawn_at_, next_term_, kill_at_;
    RespawnPace pace_;
    std::string end_reason_;  // ours, where the wait status alone would not tell
    std::string last_end_;
    WorkerSeat::Cause last_cause_ = WorkerSeat::Cause::unknown;
};

}  // namespace myq
