#include "daemon/make_generation.hpp"

#include "daemon/batch.hpp"
#include "daemon/due_bell.hpp"
#include "daemon/intake.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/worker.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace myq {

namespace {

using std::chrono::milliseconds;

// How often a queue that may overflow is looked at: the kernel tells nobody when it fills.
constexpr milliseconds overflow_interval{200};

std::size_t batch_capacity() {
    return Batch::body_capacity(largest_body());
}

// The workers of one queue. The parts are shared with the workers' bodies, which outlive this.
class QueueCrew {
public:
    QueueCrew(std::shared_ptr<const Plan> plan, const QueuePlan& queue, const JournalPlace& journal,
              std::shared_ptr<const DueBell> bell, Generation& generation)
        : plan_(std::move(plan)),
          queue_(queue),
          journal_(std::make_shared<JournalPlace>(journal)),
          bell_(std::move(bell)),
          generation_(generation),
          is_journaled_(queue.config.durability == QueueConfig::Durability::journal) {
        generation.look_again.emplace_back([bell = bell_] { bell->announce(DueBell::at_once); });
        generation.bells.push_back(bell_->supervisor_fd());
    }

    void add_receivers() {
        const auto from = is_journaled_ ? WorkerTask::From::journal : WorkerTask::From::queue;
        for (const ReceiverConfig& receiver : queue_.config.receivers) {
            for (int i = 0; i < receiver.count; ++i) {
                auto spec = worker(receiver.types, from);
                const RecycleConfig& recycle = queue_.config.recycle;
                spec.recycle = {recycle.max_messages, recycle.max_age, recycle.max_rss};
                generation_.workers.push_back(std::make_shared<WorkerSpec>(std::move(spec)));
            }
        }
    }

    void add_intake() {
        if (is_journaled_) {
            generation_.workers.push_back(
                std::make_shared<WorkerSpec>(intake(IntakeMode::for_good)));
            return;
        }
        OnDemand relief;
        auto spec = intake(IntakeMode::relief);
        spec.leaves_by_itself = true;
        relief.spec = std::make_shared<WorkerSpec>(std::move(spec));
        relief.ask = [] { return OnDemand::Answer{}; };
        if (queue_.config.overflow == QueueConfig::Overflow::journal) {
            relief.ask = [key = queue_.config.key] { return is_overflowing(key); };
        }
        generation_.on_demand.push_back(std::move(relief));
    }

    // What the journal holds of a queue that is not journaled: put off, delayed, drained.
    void add_journal_worker() {
        if (is_journaled_) return;
        auto spec = worker(Selector::any(), WorkerTask::From::journal_while_due);
        spec.leaves_by_itself = true;
        OnDemand member;
        member.spec = std::make_shared<WorkerSpec>(std::move(spec));
        member.fd = bell_->supervisor_fd();
        member.ask = [bell = bell_] { return when(bell->next()); };
        member.look_again = [bell = bell_] { bell->announce(DueBell::at_once); };
        generation_.on_demand.push_back(std::move(member));
    }

    void add_drain() {
        if (!is_journaled_ && !queue_.config.drain) return;
        Drain drain;
        auto empties = intake(IntakeMode::drain);
        empties.leaves_by_itself = true;
        drain.queue = std::make_shared<WorkerSpec>(std::move(empties));
        auto body = [task = task(Selector::any(), WorkerTask::From::queue),
                     keep = keep()](const WorkerSeat& seat) { return shelve_slot(task, seat); };
        WorkerSpec shelves{queue_.config.name, body};
        shelves.descriptors = descriptors();
        shelves.leaves_by_itself = true;
        drain.slot = std::make_shared<WorkerSpec>(std::move(shelves));
        generation_.drains.push_back(std::move(drain));
    }

private:
    static OnDemand::Answer is_overflowing(const QueueKey& key) {
        OnDemand::Answer answer{false, overflow_interval};
        try {
            answer.is_wanted = fullness(MessageQueue::open(key).stat_any()) >= overflow_begins;
        } catch (const IpcError&) {
            // Removed: whoever receives from it says so, and makes it again.
        }
        return answer;
    }

    static OnDemand::Answer when(std::int64_t due_ms) {
        // Looked at again now and then all the same: the wall clock may be set.
        constexpr std::int64_t longest = 60'000;
        if (due_ms == DueBell::never) return {};
        const std::int64_t left = due_ms - wall_clock_ms();
        if (left <= 0) return {true, {}};
        return {false, milliseconds{std::min(left, longest)}};
    }

    WorkerTask task(Selector types, WorkerTask::From from) const {
        return {queue_.config, types, queue_.routes, plan_->service, *journal_, *bell_, from};
    }

    // What a task refers to.
    struct Kept {
        std::shared_ptr<const Plan> plan;
        std::shared_ptr<const JournalPlace> journal;
        std::shared_ptr<const DueBell> bell;
    };
    Kept keep() const { return {plan_, journal_, bell_}; }

    // The queue's bell and the code of its handlers.
    std::vector<int> descriptors() const {
        std::vector<int> all{bell_->supervisor_fd()};
        for (const Route& route : queue_.routes)
            all.push_back(route.image->memory.value());
        return all;
    }

    WorkerSpec worker(Selector types, WorkerTask::From from) const {
        auto body = [task = task(types, from), keep = keep()](const WorkerSeat& seat) {
            return run_worker(task, seat);
        };
        WorkerSpec spec{queue_.config.name, body};
        spec.descriptors = descriptors();
        if (from != WorkerTask::From::queue) spec.role = WorkerSpec::Role::journal;
        spec.works_in_shifts = queue_.config.sandbox.has_value();
        return spec;
    }

    WorkerSpec intake(IntakeMode mode) const {
        auto body = [task = task(Selector::any(), WorkerTask::From::queue), keep = keep(),
                     mode](const WorkerSeat& seat) { return run_intake(task, mode, seat); };
        WorkerSpec spec{queue_.config.name, body};
        spec.descriptors = descriptors();
        spec.role = WorkerSpec::Role::intake;
        spec.body_capacity = batch_capacity;
        return spec;
    }

    std::shared_ptr<const Plan> plan_;
    const QueuePlan& queue_;
    std::shared_ptr<const JournalPlace> journal_;
    std::shared_ptr<const DueBell> bell_;
    Generation& generation_;
    bool is_journaled_;
};

}  // namespace

Generation make_generation(const std::shared_ptr<const Plan>& plan, const JournalPlace& journal,
                           const BellOf& bell_of) {
    Generation generation;
    generation.stop_timeout = plan->config.daemon.stop_timeout;
    for (const QueuePlan& queue : plan->queues) {
        QueueCrew crew(plan, queue, journal, bell_of(queue.config.name), generation);
        crew.add_receivers();
        crew.add_intake();
        crew.add_journal_worker();
        crew.add_drain();
        for (const Route& route : queue.routes) {
            const auto& timeout = route.handler.timeout;
            auto& shortest = generation.shortest_timeout;
            if (timeout) shortest = std::min(shortest.value_or(*timeout), *timeout);
        }
    }
    return generation;
}

Generation renew_queues(const Generation& current, Generation next,
                        const std::set<std::string>& queues) {
    const auto mix = [&](const auto& ours, auto& theirs, const auto& queue_of) {
        std::erase_if(theirs,
                      [&](const auto& member) { return !queues.contains(queue_of(member)); });
        std::copy_if(ours.begin(), ours.end(), std::back_inserter(theirs),
                     [&](const auto& member) { return !queues.contains(queue_of(member)); });
    };
    mix(current.workers, next.workers, [](const auto& spec) { return spec->queue; });
    mix(current.on_demand, next.on_demand,
        [](const OnDemand& member) { return member.spec->queue; });
    mix(current.drains, next.drains, [](const Drain& drain) { return drain.queue->queue; });
    return next;
}

}  // namespace myq
