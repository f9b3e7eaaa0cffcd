#include "daemon/delivery_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace myq {

namespace {

using std::chrono::milliseconds;

// Of messages with new code: then it has shown what it does.
constexpr std::uint64_t enough_messages = 100;
// How long canaries work that have less to do.
constexpr milliseconds trial_time{300};
// What a canary may take to get ready.
constexpr milliseconds start_patience{30'000};
// Nothing wakes us for what is in shared memory. On probation it is looked at for a while; later it
// is only looked at when a worker ends.
constexpr milliseconds judge_interval{50};
constexpr milliseconds probation_look{250};
constexpr milliseconds watched_probation{10'000};
// SIGKILL from outside says nothing of the code, unless it comes again and again: the OOM killer.
constexpr int most_kills = 3;
// Fewer failures than this are no rate.
constexpr std::uint64_t least_failures = 5;

std::uint64_t failed_in(const TallyRow& row) {
    return row.of(Tally::retried) + row.of(Tally::died);
}

std::uint64_t settled_in(const TallyRow& row) {
    return row.of(Tally::handled) + failed_in(row);
}

// 0: none.
std::int64_t type_in_hand(const WorkerProcess& worker, const WorkerProcess::End& end) {
    return end.occupied ? worker.slot().view().type : 0;
}

}  // namespace

double DeliveryJudge::Account::failure_rate() const {
    return settled == 0 ? 0 : static_cast<double>(failed) / static_cast<double>(settled);
}

DeliveryJudge::DeliveryJudge(Delivery delivery, const Crew& crew)
    : delivery_(std::move(delivery)),
      crew_(&crew) {
    for (const auto& canary : delivery_.canaries)
        before_[canary->queue];
    remember_slots();
    for (const auto& worker : *crew_) {
        const std::string& queue = worker->spec().queue;
        if (!before_.contains(queue) || worker->spec().is_intake()) continue;
        const Account so_far = account_of(queue, at_begin_.at(worker->slot().name()));
        before_.at(queue).settled += so_far.settled;
        before_.at(queue).failed += so_far.failed;
    }
}

bool DeliveryJudge::is_canary(const WorkerSpec& spec) const {
    return std::any_of(delivery_.canaries.begin(), delivery_.canaries.end(),
                       [&](const auto& canary) { return canary.get() == &spec; });
}

DeliveryJudge::Verdict DeliveryJudge::judge(Clock::time_point now) {
    using Kind = Verdict::Kind;
    remember_slots();
    if (auto reason = what_fails_more()) return {Kind::refused, std::move(*reason)};
    const bool is_enough = has_settled_enough();
    if (on_probation_) return {is_enough ? Kind::proven : Kind::undecided};
    std::size_t ready = 0;
    for (const auto& worker : *crew_) {
        if (is_canary(worker->spec()) && worker->state() == WorkerProcess::State::ready) ++ready;
    }
    if (ready < delivery_.canaries.size()) {
        ready_since_.reset();
        if (now - began_ < start_patience) return {};
        return {Kind::refused, fmt::format("its worker did not get ready within {} s",
                                           start_patience.count() / 1'000)};
    }
    if (!ready_since_) ready_since_ = now;
    return {is_enough || now - *ready_since_ >= trial_time ? Kind::proven : Kind::undecided};
}

std::optional<Clock::time_point> DeliveryJudge::next_look(Clock::time_point now) const {
    if (!on_probation_) return ready_since_ ? now + judge_interval : began_ + start_patience;
    if (now - began_ < watched_probation) return now + probation_look;
    return std::nullopt;
}

void DeliveryJudge::begin_probation(Clock::time_point now) {
    on_probation_ = true;
    began_ = now;
    remember_slots();
}

// Over a message of other code it is that one's affair.
bool DeliveryJudge::concerns(const WorkerProcess& worker, const WorkerProcess::End& end) const {
    if (!has_new_code(worker)) return false;
    const std::int64_t type = type_in_hand(worker, end);
    return type == 0 || delivery_.change(worker.spec().queue, type) != CodeChange::none;
}

std::optional<std::string> DeliveryJudge::held_against(const WorkerProcess& worker,
                                                       const WorkerProcess::End& end) {
    if (end.expected || !concerns(worker, end)) return std::nullopt;
    const std::string& queue = worker.spec().queue;
    const std::int64_t type = type_in_hand(worker, end);
    const bool is_killed = worker.last_cause() == WorkerSeat::Cause::killed;
    if (is_killed && (on_probation_ || ++kills_ < most_kills)) return std::nullopt;
    return fmt::format("queue {}: its worker ended{}: {}", queue,
                       type == 0 ? "" : fmt::format(" over a message of type {}", type), end.text);
}

// Workers come meanwhile, on slots that others have counted in.
void DeliveryJudge::remember_slots() {
    for (const auto& worker : *crew_) {
        if (!before_.contains(worker->spec().queue)) continue;
        const auto [slot, is_new] = at_begin_.try_emplace(worker->slot().name());
        if (is_new) slot->second = worker->slot().tallies();
    }
}

bool DeliveryJudge::has_new_code(const WorkerProcess& worker) const {
    if (!before_.contains(worker.spec().queue)) return false;
    const Generation& generation = delivery_.generation;
    return std::any_of(generation.workers.begin(), generation.workers.end(),
                       [&](const auto& spec) { return spec.get() == &worker.spec(); }) ||
           std::any_of(generation.on_demand.begin(), generation.on_demand.end(),
                       [&](const OnDemand& one) { return one.spec.get() == &worker.spec(); });
}

DeliveryJudge::Account DeliveryJudge::account_of(const std::string& queue,
                                                 const std::vector<TallyRow>& rows) const {
    Account account;
    for (const TallyRow& row : rows) {
        const CodeChange change = delivery_.change(queue, row.type);
        if (change == CodeChange::none) continue;
        account.settled += settled_in(row);
        // Where there was no code before, there is nothing to compare failures with.
        if (change == CodeChange::replaced) account.failed += failed_in(row);
    }
    return account;
}

DeliveryJudge::Account DeliveryJudge::account_since_begin(const std::string& queue,
                                                          Whose whose) const {
    Account sum;
    for (const auto& worker : *crew_) {
        if (worker->spec().queue != queue || worker->spec().is_intake()) continue;
        if (has_new_code(*worker) != (whose == Whose::of_new_code)) continue;
        const auto begin = at_begin_.find(worker->slot().name());
        if (begin == at_begin_.end()) continue;
        const Account now = account_of(queue, worker->slot().tallies());
        const Account then = account_of(queue, begin->second);
        // Less than then: somebody has damaged the slot, and it was made anew.
        sum.settled += now.settled - std::min(now.settled, then.settled);
        sum.failed += now.failed - std::min(now.failed, then.failed);
    }
    return sum;
}

bool DeliveryJudge::has_settled_enough() const {
    std::uint64_t settled = 0;
    for (const auto& [queue, account] : before_)
        settled += account_since_begin(queue, Whose::of_new_code).settled;
    return settled >= enough_messages;
}

// Clearly more: by ten in a hundred, and by three times what chance would do. What the old code
// does beside it at the same time counts too, or a service that is down just now would be blamed on
// whoever is new.
std::optional<std::string> DeliveryJudge::what_fails_more() const {
    for (const auto& [queue, before] : before_) {
        const Account account = account_since_begin(queue, Whose::of_new_code);
        if (account.failed < least_failures) continue;
        const double rate = std::max(before.failure_rate(),
                                     account_since_begin(queue, Whose::of_old_code).failure_rate());
        const auto settled = static_cast<double>(account.settled);
        const double bearable =
            settled * rate + 3 * std::sqrt(settled * rate * (1 - rate)) + settled / 10;
        if (static_cast<double>(account.failed) <= bearable) continue;
        return fmt::format("queue {}: {} of {} messages failed, {:.0f} of 100 did before", queue,
                           account.failed, account.settled, 100 * rate);
    }
    return std::nullopt;
}

}  // namespace myq
