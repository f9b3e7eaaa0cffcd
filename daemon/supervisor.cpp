#include "daemon/supervisor.hpp"

#include "daemon/unix/child.hpp"
#include "daemon/unix/failure.hpp"

#include <spdlog/spdlog.h>

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>

namespace myq {

namespace {

using std::chrono::milliseconds;

// Slots are named QUEUE.NUMBER.
std::string queue_of(const std::string& slot) {
    return slot.substr(0, slot.rfind('.'));
}

}  // namespace

Supervisor::Supervisor(const SlotDirectory& slots, Hooks hooks)
    : slots_(slots),
      hooks_(std::move(hooks)),
      signals_({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD}) {}

void Supervisor::run(Generation first, Readiness& readiness) {
    bring_up(std::move(first));
    while (incoming_ && !stopping_)
        wait_for_event();
    if (!stopping_) {
        adopt_leftovers();
        readiness.ready();
        started_ = true;
        spdlog::info("ready: {} workers", current_.workers.size());
    }
    while (!stopping_ || !workers_.empty())
        wait_for_event();
    spdlog::info("stopped: {} done, {} retry, {} rejected, {} given up", total_.done, total_.retry,
                 total_.reject, total_.dead);
}

void Supervisor::wait_for_event() {
    spawn_due();
    std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}};
    for (const Worker& worker : workers_) {
        if (worker->report_fd() >= 0) fds.push_back({worker->report_fd(), POLLIN, 0});
    }
    const Clock::time_point wakeup = next_wakeup();
    int timeout = -1;
    if (wakeup != Clock::time_point::max()) {
        // Rounded up, or the last millisecond would be spent spinning.
        const auto left = std::chrono::ceil<milliseconds>(wakeup - Clock::now()).count();
        timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    }
    if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) throw failure("poll");
    handle_reports();
    handle_signals();
    tick();
    remove_gone();
    if (reload_wanted_ && !incoming_ && !stopping_) reload();
}

Clock::time_point Supervisor::next_wakeup() const {
    Clock::time_point wakeup = Clock::time_point::max();
    for (const Worker& worker : workers_) {
        if (const auto event = worker->next_event()) wakeup = std::min(wakeup, *event);
    }
    // Handlers' deadlines lie in shared memory, where nothing wakes us: they are looked at now and
    // then, and not at all where no handler has a timeout.
    if (current_.shortest_timeout) {
        const milliseconds look =
            std::clamp(*current_.shortest_timeout / 8, milliseconds{20}, milliseconds{1'000});
        wakeup = std::min(wakeup, Clock::now() + look);
    }
    return wakeup;
}

void Supervisor::handle_signals() {
    while (const auto signal = signals_.next()) {
        switch (*signal) {
        case SIGTERM:
        case SIGINT:
            stop();
            break;
        case SIGHUP:
            reload_wanted_ = true;
            break;
        case SIGUSR1:
            hooks_.reopen_log();
            for (const Worker& worker : workers_) {
                if (worker->state() == WorkerProcess::State::ready) ::kill(worker->pid(), SIGUSR1);
            }
            break;
        default:
            break;  // SIGCHLD: below, for every child that ended
        }
    }
    reap();
}

void Supervisor::handle_reports() {
    for (const Worker& worker : workers_) {
        if (worker->report_fd() < 0) continue;
        pollfd readable{worker->report_fd(), POLLIN, 0};
        if (::poll(&readable, 1, 0) <= 0) continue;
        const auto failed = worker->read_report();
        if (!failed) continue;
        const std::string sentence =
            fmt::format("queue {}: {}", worker->spec().queue, failed->sentence);
        if (!incoming_ || !is_incoming(*worker)) {
            spdlog::error("{}", sentence);
        } else if (started_) {
            abandon_incoming(sentence);
        } else {
            throw StartFailure(failed->exit_code, sentence);
        }
    }
    const bool all_ready = std::all_of(workers_.begin(), workers_.end(), [&](const Worker& worker) {
        return !is_incoming(*worker) || worker->state() == WorkerProcess::State::ready;
    });
    if (incoming_ && all_ready) commit_incoming();
}

void Supervisor::reap() {
    int status = 0;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0;
         pid = ::waitpid(-1, &status, WNOHANG)) {
        const auto found = std::find_if(workers_.begin(), workers_.end(),
                                        [&](const Worker& worker) { return worker->pid() == pid; });
        if (found == workers_.end()) continue;
        // What it had to say comes before the fact that it is gone.
        if ((*found)->report_fd() >= 0) handle_reports();
        on_end(**found, (*found)->ended(status));
    }
}

void Supervisor::tick() {
    const Clock::time_point now = Clock::now();
    for (const Worker& worker : workers_)
        worker->tick(now);
}

void Supervisor::bring_up(Generation generation) {
    incoming_ = std::move(generation);
    for (const auto& spec : incoming_->workers) {
        workers_.push_back(std::make_unique<WorkerProcess>(spec, free_slot(spec->queue)));
        if (!started_) spawn(*workers_.back());  // a failing fork is fatal here, and only here
    }
}

void Supervisor::commit_incoming() {
    const milliseconds patience = current_.stop_timeout;
    current_ = *std::exchange(incoming_, std::nullopt);
    for (const Worker& worker : workers_) {
        if (is_current(*worker) || worker->settle_only()) continue;
        worker->ask_to_leave(patience);
        const bool gone = worker->state() == WorkerProcess::State::gone;
        if (gone && worker->slot().view().occupied) settle_orphan(*worker, false);
    }
    if (started_) spdlog::info("reloaded: {} workers", current_.workers.size());
}

void Supervisor::abandon_incoming(const std::string& reason) {
    spdlog::error("reload failed: {}; the old configuration stays", reason);
    for (const Worker& worker : workers_) {
        if (is_incoming(*worker)) worker->ask_to_leave(milliseconds{0});
    }
    incoming_.reset();
}

void Supervisor::reload() {
    reload_wanted_ = false;
    try {
        bring_up(hooks_.reload());
    } catch (const std::exception& e) {
        abandon_incoming(e.what());
    }
}

void Supervisor::stop() {
    if (!stopping_) spdlog::info("stopping");
    stopping_ = true;
    incoming_.reset();
    for (const Worker& worker : workers_)
        worker->ask_to_leave(current_.stop_timeout);
}

void Supervisor::spawn_due() {
    const Clock::time_point now = Clock::now();
    for (const Worker& worker : workers_) {
        if (worker->state() != WorkerProcess::State::waiting || worker->next_event() > now)
            continue;
        try {
            spawn(*worker);
        } catch (const std::exception& e) {
            spdlog::error("queue {}: cannot fork a worker: {}; trying again", worker->spec().queue,
                          e.what());
            worker->schedule_respawn(true);
        }
    }
}

void Supervisor::spawn(WorkerProcess& worker) {
    const SlotView view = worker.slot().view();
    // needed_body is a worker's word: taken for what it is worth, up to a bound.
    constexpr std::uint64_t largest = std::uint64_t{1} << 30U;
    const std::size_t wanted =
        std::max<std::size_t>(hooks_.body_capacity(), std::min(view.needed_body, largest));
    if (!view.occupied && worker.slot().body_capacity() < wanted) {
        worker.enlarge_slot(slots_, wanted);
    }
    worker.spawn();
}

void Supervisor::on_end(WorkerProcess& worker, const WorkerProcess::End& end) {
    const bool current = is_current(worker) && !worker.settle_only();
    const bool settled = worker.settle_only() && !end.occupied;
    if (!end.expected && !settled) {
        spdlog::warn("queue {}: a worker ended: {}{}", worker.spec().queue, end.text,
                     end.occupied ? "; its message is kept and tried again" : "");
    }
    if (stopping_) return worker.retire();
    if (incoming_ && is_incoming(worker)) {
        const std::string sentence = fmt::format("queue {}: a worker ended before it was ready: {}",
                                                 worker.spec().queue, end.text);
        if (!started_) throw StartFailure(EXIT_FAILURE, sentence);
        abandon_incoming(sentence);
        return worker.retire();
    }
    if (current) return worker.schedule_respawn(end.dead_on_arrival);
    if (end.occupied) return settle_orphan(worker, end.dead_on_arrival);
    worker.retire();
}

// A worker that is no longer wanted died with a message: somebody of the same queue settles it.
void Supervisor::settle_orphan(WorkerProcess& worker, bool paced) {
    const auto spec =
        std::find_if(current_.workers.begin(), current_.workers.end(), [&](const auto& candidate) {
            return candidate->queue == worker.spec().queue;
        });
    if (spec == current_.workers.end()) {
        spdlog::error(
            "slot {} holds a message of queue {}, which is configured no more; it is kept "
            "until it is configured again",
            worker.slot().name(), worker.spec().queue);
        return worker.retire();
    }
    worker.settle_with(*spec);
    worker.schedule_respawn(paced);
}

bool Supervisor::is_current(const WorkerProcess& worker) const {
    return std::any_of(current_.workers.begin(), current_.workers.end(),
                       [&](const auto& spec) { return spec.get() == &worker.spec(); });
}

bool Supervisor::is_incoming(const WorkerProcess& worker) const {
    return incoming_ && std::any_of(incoming_->workers.begin(), incoming_->workers.end(),
                                    [&](const auto& spec) { return spec.get() == &worker.spec(); });
}

void Supervisor::remove_gone() {
    for (const Worker& worker : workers_) {
        if (worker->state() != WorkerProcess::State::gone) continue;
        const SlotCounts counts = worker->settled();
        total_.done += counts.done;
        total_.retry += counts.retry;
        total_.reject += counts.reject;
        total_.dead += counts.dead;
        if (!worker->slot().view().occupied) slots_.remove(worker->slot().name());
    }
    std::erase_if(workers_, [](const Worker& worker) {
        return worker->state() == WorkerProcess::State::gone;
    });
}

std::set<std::string> Supervisor::used_slots() const {
    std::set<std::string> names;
    for (const Worker& worker : workers_)
        names.insert(worker->slot().name());
    return names;
}

// One that holds a message of the queue, if there is one that nobody works on, else a new one.
std::unique_ptr<SlotFile> Supervisor::free_slot(const std::string& queue) const {
    const std::set<std::string> used = used_slots();
    for (const std::string& name : slots_.names()) {
        if (queue_of(name) != queue || used.contains(name)) continue;
        auto slot = slots_.open(name, hooks_.body_capacity());
        if (slot->view().occupied) return slot;
    }
    int number = 0;
    const auto named = [&] { return queue + '.' + std::to_string(number); };
    while (used.contains(named()))
        ++number;
    return slots_.open(named(), hooks_.body_capacity());
}

// Slots of an earlier daemon that nobody of this one took: more than there are workers now, or of a
// queue that is no longer configured.
void Supervisor::adopt_leftovers() {
    const std::set<std::string> used = used_slots();
    for (const std::string& name : slots_.names()) {
        if (used.contains(name)) continue;
        auto worker = std::make_unique<WorkerProcess>(
            std::make_shared<WorkerSpec>(WorkerSpec{queue_of(name), {}}),
            slots_.open(name, hooks_.body_capacity()));
        if (worker->slot().view().occupied) {
            settle_orphan(*worker, false);
        } else {
            worker->retire();
        }
        workers_.push_back(std::move(worker));
    }
}

}  // namespace myq
