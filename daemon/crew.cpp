#include "daemon/crew.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace myq {

WorkerProcess* Crew::find(pid_t pid) const {
    const auto found = std::find_if(workers_.begin(), workers_.end(),
                                    [&](const Worker& worker) { return worker->pid() == pid; });
    return found != workers_.end() ? found->get() : nullptr;
}

bool Crew::has(const WorkerSpec& spec) const {
    return std::any_of(workers_.begin(), workers_.end(),
                       [&](const Worker& worker) { return &worker->spec() == &spec; });
}

WorkerProcess& Crew::hire(std::shared_ptr<const WorkerSpec> spec) {
    auto slot = free_slot(*spec);
    return *workers_.emplace_back(
        std::make_unique<WorkerProcess>(std::move(spec), std::move(slot)));
}

std::vector<WorkerProcess*> Crew::take_leftovers(
    const std::function<std::shared_ptr<const WorkerSpec>(const SlotName&)>& spec_for) {
    std::vector<WorkerProcess*> taken;
    for (const std::string& name : slots_.names()) {
        if (is_used(name)) continue;
        const auto spec = spec_for(SlotName(name));
        if (!spec) continue;
        auto slot = slots_.open(name, body_capacity(*spec));
        if (!slot->view().occupied) continue;
        taken.push_back(
            workers_.emplace_back(std::make_unique<WorkerProcess>(spec, std::move(slot))).get());
    }
    return taken;
}

void Crew::spawn(WorkerProcess& worker) {
    worker.evade_stranger();
    const SlotView view = worker.slot().view();
    // needed_body is a worker's word: taken for what it is worth, up to a bound.
    constexpr std::uint64_t largest = std::uint64_t{1} << 30U;
    const std::size_t wanted =
        std::max<std::size_t>(body_capacity(worker.spec()), std::min(view.needed_body, largest));
    if (view.broken) {
        spdlog::critical(
            "slot {} was cut short by somebody; it is made anew, and a message that was "
            "in it is lost",
            worker.slot().name());
    }
    if (view.broken || (!view.occupied && worker.slot().body_capacity() < wanted)) {
        worker.renew_slot(slots_, wanted);
    }
    worker.spawn();
}

void Crew::spawn_due() {
    const Clock::time_point now = Clock::now();
    for (const Worker& worker : workers_) {
        if (worker->state() != WorkerProcess::State::waiting || worker->next_event() > now)
            continue;
        try {
            spawn(*worker);
        } catch (const std::exception& e) {
            const auto pause = worker->schedule_respawn(Life::stillborn);
            spdlog::error("queue {}: cannot fork a worker: {}; trying again in {} ms",
                          worker->spec().queue, e.what(), pause.count());
        }
    }
}

void Crew::remove_gone() {
    for (const Worker& worker : workers_) {
        if (worker->state() != WorkerProcess::State::gone) continue;
        const Tallies settled = worker->settled();
        for (std::size_t i = 0; i < settled_.size(); ++i)
            settled_.at(i) += settled.at(i);
    }
    std::erase_if(workers_, [](const Worker& worker) {
        return worker->state() == WorkerProcess::State::gone;
    });
}

std::vector<WorkerInfo> Crew::infos() const {
    std::vector<WorkerInfo> infos;
    for (const Worker& worker : workers_) {
        infos.push_back({worker->pid(), worker->spec().queue, worker->slot().name(),
                         worker->spec().role, worker->state(), worker->slot().view()});
    }
    return infos;
}

std::size_t Crew::body_capacity(const WorkerSpec& spec) const {
    return spec.body_capacity ? spec.body_capacity() : body_capacity_();
}

bool Crew::is_used(const std::string& slot) const {
    return std::any_of(workers_.begin(), workers_.end(),
                       [&](const Worker& worker) { return worker->slot().name() == slot; });
}

std::unique_ptr<SlotFile> Crew::free_slot(const WorkerSpec& spec) const {
    for (const std::string& name : slots_.names()) {
        if (!SlotName(name).belongs_to(spec.queue, spec.is_intake()) || is_used(name)) continue;
        auto slot = slots_.open(name, body_capacity(spec));
        if (slot->view().occupied) return slot;
    }
    int number = 0;
    const auto named = [&] { return SlotName(spec.queue, spec.is_intake(), number).text(); };
    while (is_used(named()))
        ++number;
    return slots_.open(named(), body_capacity(spec));
}

}  // namespace myq
