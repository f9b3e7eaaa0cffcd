#include "daemon/supervisor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>

// Of class Supervisor: how one worker follows another.
namespace myq {

using std::chrono::milliseconds;

namespace {

void tell_pause(const WorkerProcess& worker, milliseconds pause) {
    if (pause > milliseconds{0})
        spdlog::warn("queue {}: the next worker comes in {} ms", worker.spec().queue,
                     pause.count());
}

}  // namespace

// One at a time: the successor comes up first, and then the worn one is asked to leave.
void Supervisor::recycle() {
    const auto replaced = std::find_if(workers_.begin(), workers_.end(),
                                       [](const Worker& worker) { return worker->is_replaced(); });
    if (replaced != workers_.end()) {
        const bool successor_is_ready =
            std::any_of(workers_.begin(), workers_.end(), [&](const Worker& worker) {
                return &worker->spec() == &(*replaced)->spec() && !worker->is_replaced() &&
                       worker->state() == WorkerProcess::State::ready;
            });
        if (successor_is_ready && (*replaced)->state() == WorkerProcess::State::ready)
            (*replaced)->ask_to_leave(current_->stop_timeout);
        return;
    }
    const Clock::time_point now = Clock::now();
    const auto worn = std::find_if(workers_.begin(), workers_.end(), [&](const Worker& worker) {
        return is_current(*worker) && worker->is_worn(now);
    });
    if (worn == workers_.end()) return;
    const pid_t pid = (*worn)->pid();
    if (!hire((*worn)->shared_spec())) return;
    spdlog::info("queue {}: worker {} is replaced by a fresh one", workers_.find(pid)->spec().queue,
                 pid);
    workers_.find(pid)->replace();
}

void Supervisor::hire_wanted() {
    if (!standby_ || incoming_) return;
    for (const auto& spec :
         standby_->wanted([&](const WorkerSpec& candidate) { return workers_.has(candidate); }))
        if (!hire(spec)) standby_->ended(*spec, false, Life::stillborn);
}

// While the daemon works, a worker that cannot be had is no reason to end.
bool Supervisor::hire(const std::shared_ptr<const WorkerSpec>& spec) {
    try {
        workers_.hire(spec);
        return true;
    } catch (const std::exception& e) {
        spdlog::error("queue {}: no worker more: {}", spec->queue, e.what());
        return false;
    }
}

void Supervisor::on_end(WorkerProcess& worker, const WorkerProcess::End& end) {
    const bool on_demand = worker.spec().leaves_by_itself;
    const bool current = is_current(worker) && !worker.settle_only() && !worker.is_replaced();
    const bool condemned = condemned_ && condemned_->concerns(worker, end);
    if (!end.expected) {
        spdlog::warn("queue {}: a worker ended: {}{}", worker.spec().queue, end.text,
                     end.occupied ? "; its message is kept and tried again" : "");
    }
    const milliseconds rest = on_demand && standby_
                                  ? standby_->ended(worker.spec(), end.expected, end.life)
                                  : milliseconds{0};
    if (stopping_ != Stopping::no) return worker.retire();
    if (judge_ && ended_on_trial(worker, end)) return;
    if (condemned) worker.blame_new_code();
    if (end.shift_over && is_incoming(worker)) return respawn(worker, end.life);
    if (is_incoming(worker)) {
        const std::string sentence = fmt::format("queue {}: a worker ended before it was ready: {}",
                                                 worker.spec().queue, end.text);
        if (!started_) throw StartFailure(EXIT_FAILURE, sentence);
        abandon_incoming(sentence);
    } else if (current) {
        // Where its code is on the way out, it waits for that of before.
        return respawn(worker, condemned ? Life::stillborn : end.life);
    }
    if (end.occupied) return settle_orphan(worker, end.life);
    tell_pause(worker, rest);
    worker.retire();
}

void Supervisor::respawn(WorkerProcess& worker, Life last) {
    tell_pause(worker, worker.schedule_respawn(last));
}

// A worker that is no longer wanted left something in its slot: somebody of the same queue, and of
// the same kind, settles it.
void Supervisor::settle_orphan(WorkerProcess& worker, Life last) {
    const SlotName slot(worker.slot().name());
    std::shared_ptr<const WorkerSpec> heir;
    const auto consider = [&](const std::shared_ptr<const WorkerSpec>& spec) {
        if (!heir && slot.belongs_to(spec->queue, spec->is_intake())) heir = spec;
    };
    for (const auto& spec : current_->workers)
        consider(spec);
    for (const OnDemand& member : current_->on_demand)
        consider(member.spec);
    if (!heir) {
        spdlog::error(
            "slot {} holds a message of queue {}, which is configured no more; it is kept "
            "until it is configured again",
            worker.slot().name(), worker.spec().queue);
        return worker.retire();
    }
    worker.settle_with(heir);
    respawn(worker, last);
}

// Slots of an earlier daemon that nobody of this one took: more than there are workers now, or of a
// queue that is no longer configured.
void Supervisor::adopt_leftovers() {
    const auto stranger = [](const SlotName& slot) {
        return std::make_shared<const WorkerSpec>(WorkerSpec{slot.queue(), {}});
    };
    for (WorkerProcess* worker : workers_.take_leftovers(stranger))
        settle_orphan(*worker, Life::useful);
}

}  // namespace myq
