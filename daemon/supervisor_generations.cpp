#include "daemon/supervisor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// Of class Supervisor: how one generation follows another.
namespace myq {

using std::chrono::milliseconds;

void Supervisor::start(Generation first) {
    try {
        bring_up(std::move(first));
        handle_reports();  // nobody may be there to wait for
        while (incoming_ && stopping_ == Stopping::no)
            wait_for_event();
    } catch (const StartFailure&) {
        auto other = hooks_.deliveries != nullptr ? hooks_.deliveries->without_culprits()
                                                  : std::optional<Generation>{};
        if (!other) throw;
        workers_.clear();
        start(std::move(*other));
    }
}

void Supervisor::bring_up(Generation generation) {
    incoming_ = std::move(generation);
    for (const auto& spec : incoming_->workers) {
        if (workers_.has(*spec)) continue;  // it stays, or has come before the others
        WorkerProcess& worker = workers_.hire(spec);
        if (!started_) workers_.spawn(worker);  // a failing fork is fatal here, and only here
    }
}

void Supervisor::commit_when_ready() {
    const bool all_ready = std::all_of(workers_.begin(), workers_.end(), [&](const Worker& worker) {
        return !is_incoming(*worker) || worker->state() == WorkerProcess::State::ready;
    });
    if (incoming_ && all_ready) commit_incoming();
}

void Supervisor::commit_incoming() {
    const milliseconds patience = current_->stop_timeout;
    standby_.reset();
    current_ = std::make_shared<Generation>(*std::exchange(incoming_, std::nullopt));
    standby_.emplace(current_->on_demand);
    dismiss_strangers(patience);
    // Whoever was told that something is due may have been one of them.
    if (started_) {
        for (const std::function<void()>& look : current_->look_again)
            look();
    }
    if (std::exchange(is_reload_, false)) {
        spdlog::info("reloaded: {} workers", current_->workers.size());
        is_settling_ = true;
    }
    if (judge_) judge_->begin_probation(Clock::now());
    if (!started_ || hooks_.deliveries == nullptr) return;
    hooks_.deliveries->accepted();
    others_may_be_left_ = true;
}

// Those that are not of the current generation.
void Supervisor::dismiss_strangers(milliseconds patience) {
    for (const Worker& worker : workers_) {
        if (!is_stranger(*worker)) continue;
        worker->ask_to_leave(patience);
        const bool gone = worker->state() == WorkerProcess::State::gone;
        if (gone && worker->slot().view().occupied) settle_orphan(*worker, Life::useful);
    }
}

void Supervisor::abandon_incoming(const std::string& reason) {
    if (!std::exchange(is_reload_, false)) return reject_delivery(reason);
    spdlog::error("reload failed: {}; the old configuration stays", reason);
    end_reload(reason);
    if (hooks_.deliveries != nullptr) hooks_.deliveries->rejected(reason);
    for (const Worker& worker : workers_) {
        if (is_incoming(*worker)) worker->ask_to_leave(milliseconds{0});
    }
    incoming_.reset();
}

void Supervisor::reload() {
    reload_wanted_ = false;
    postpone_delivery();
    is_reload_ = true;
    if (hooks_.reload_begins) hooks_.reload_begins();
    try {
        bring_up(hooks_.reload());
    } catch (const std::exception& e) {
        abandon_incoming(e.what());
    }
}

void Supervisor::end_reload(const std::string& refusal) {
    is_settling_ = false;
    if (hooks_.reload_ended) hooks_.reload_ended(refusal);
}

// One of before that has no message in its hand may have taken one a moment ago.
bool Supervisor::takes_from_before() const {
    return std::any_of(workers_.begin(), workers_.end(), [&](const Worker& one) {
        return is_stranger(*one) && one->state() != WorkerProcess::State::gone &&
               !one->slot().view().occupied;
    });
}

// A daemon that stops has no next generation.
void Supervisor::refuse_reload() {
    if (!reload_wanted_ && !is_reload_) return;
    if (std::exchange(reload_wanted_, false) && hooks_.reload_begins) hooks_.reload_begins();
    is_reload_ = false;
    end_reload("the daemon stops");
}

void Supervisor::look_for_delivery() {
    if (hooks_.deliveries == nullptr) return;
    const bool has_strangers = std::any_of(workers_.begin(), workers_.end(),
                                           [&](const Worker& one) { return is_stranger(*one); });
    if (others_may_be_left_ && !has_strangers) {
        others_may_be_left_ = false;
        hooks_.deliveries->works_alone();
    }
    hooks_.deliveries->look();
    const bool is_busy = incoming_ || (judge_ && !judge_->is_on_probation());
    if (is_busy || !started_) return;
    auto delivery = hooks_.deliveries->next(*current_);
    if (!delivery) return;
    judge_.reset();
    try {
        if (delivery->canaries.empty()) return bring_up(std::move(delivery->generation));
        for (const auto& canary : delivery->canaries)
            workers_.hire(canary);
        judge_.emplace(std::move(*delivery), workers_);
    } catch (const std::exception& e) {
        reject_delivery(e.what());
    }
}

Clock::time_point Supervisor::next_delivery_look() const {
    Clock::time_point next = Clock::time_point::max();
    const auto consider = [&](const std::optional<Clock::time_point>& look) {
        if (look) next = std::min(next, *look);
    };
    if (hooks_.deliveries != nullptr) consider(hooks_.deliveries->next_look());
    if (judge_ && !incoming_) consider(judge_->next_look(Clock::now()));
    return next;
}

void Supervisor::consult_judge(Clock::time_point now) {
    if (!judge_) return;
    const DeliveryJudge::Verdict verdict = judge_->judge(now);
    if (verdict.kind == DeliveryJudge::Verdict::Kind::refused)
        return reject_delivery(verdict.reason);
    if (verdict.kind != DeliveryJudge::Verdict::Kind::proven) return;
    if (judge_->is_on_probation()) return judge_.reset();
    try {
        bring_up(judge_->delivery().generation);
        commit_when_ready();  // there may be no other worker
    } catch (const std::exception& e) {
        reject_delivery(e.what());
    }
}

// The new code is taken back: before it has come to all, its workers leave; afterwards those of
// before are delivered.
void Supervisor::reject_delivery(const std::string& reason) {
    incoming_.reset();
    condemned_ = std::exchange(judge_, std::nullopt);
    dismiss_strangers(current_->stop_timeout);
    hooks_.deliveries->rejected(reason);
}

void Supervisor::postpone_delivery() {
    const bool is_under_way = judge_ && !judge_->is_on_probation();
    judge_.reset();
    if (!is_under_way) return;
    dismiss_strangers(current_->stop_timeout);
    hooks_.deliveries->postponed();
}

// A worker has ended while new code is on trial. True: what becomes of it is settled.
bool Supervisor::ended_on_trial(WorkerProcess& worker, const WorkerProcess::End& end) {
    const bool is_canary = judge_->is_canary(worker.spec());
    const bool has_come = is_current(worker);
    if (const auto reason = judge_->held_against(worker, end)) {
        worker.blame_new_code();
        reject_delivery(*reason);
        // Its successor waits for the code of before, which is on its way.
        if (has_come) respawn(worker, Life::stillborn);
        return has_come;
    }
    if (has_come || !(is_canary || is_incoming(worker))) return false;
    respawn(worker, end.life);
    return true;
}

bool Supervisor::is_current(const WorkerProcess& worker) const {
    return std::any_of(current_->workers.begin(), current_->workers.end(),
                       [&](const auto& spec) { return spec.get() == &worker.spec(); });
}

// Some of the next generation may be of the current one too.
bool Supervisor::is_incoming(const WorkerProcess& worker) const {
    return incoming_ && !is_current(worker) &&
           std::any_of(incoming_->workers.begin(), incoming_->workers.end(),
                       [&](const auto& spec) { return spec.get() == &worker.spec(); });
}

// Of another generation, and not just settling what that left.
bool Supervisor::is_stranger(const WorkerProcess& worker) const {
    return !is_current(worker) && !is_on_demand(worker) && !worker.settle_only();
}

bool Supervisor::is_on_demand(const WorkerProcess& worker) const {
    return std::any_of(current_->on_demand.begin(), current_->on_demand.end(),
                       [&](const OnDemand& member) { return member.spec.get() == &worker.spec(); });
}

}  // namespace myq
