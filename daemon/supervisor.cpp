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

// How often workers that may have to be replaced are looked at.
constexpr milliseconds recycle_interval{1'000};

}  // namespace

Supervisor::Supervisor(const SlotDirectory& slots, Hooks hooks)
    : hooks_(std::move(hooks)),
      signals_({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD}),
      workers_(slots, hooks_.body_capacity) {}

void Supervisor::run(Generation first, Readiness& readiness) {
    start(std::move(first));
    if (stopping_ == Stopping::no) {
        adopt_leftovers();
        readiness.ready();
        started_ = true;
        spdlog::info("ready: {} workers", current_->workers.size());
    } else {
        readiness.failed("myqd: start: told to stop while it started", EXIT_FAILURE);
    }
    while (stopping_ == Stopping::no || !workers_.empty()) {
        wait_for_event();
        if (workers_.empty() && stopping_ == Stopping::workers) drain();
    }
    const auto settled = [&](Tally tally) {
        return workers_.settled().at(static_cast<std::size_t>(tally));
    };
    spdlog::info("stopped: {} handled, {} put off, {} dead, {} expired", settled(Tally::handled),
                 settled(Tally::retried), settled(Tally::died), settled(Tally::expired));
}

void Supervisor::wait_for_event() {
    hire_wanted();
    workers_.spawn_due();
    std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}, {hooks_.control_fd, POLLIN, 0}};
    if (hooks_.deliveries != nullptr) {
        for (const int fd : hooks_.deliveries->fds())
            fds.push_back({fd, POLLIN, 0});
    }
    if (standby_ && !incoming_) {
        for (const int fd : standby_->fds())
            fds.push_back({fd, POLLIN, 0});
    }
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
    workers_.remove_gone();
    if ((fds[1].revents & POLLIN) != 0 && hooks_.on_control(workers_.infos(), *current_))
        reload_wanted_ = true;
    if (is_settling_ && !takes_from_before()) end_reload("");
    if (stopping_ != Stopping::no) return refuse_reload();
    if (reload_wanted_ && !incoming_ && !is_settling_) reload();
    look_for_delivery();
}

Clock::time_point Supervisor::next_wakeup() const {
    Clock::time_point wakeup = Clock::time_point::max();
    for (const Worker& worker : workers_) {
        if (const auto event = worker->next_event()) wakeup = std::min(wakeup, *event);
    }
    // Handlers' deadlines lie in shared memory, where nothing wakes us: they are looked at now and
    // then, and not at all where no handler has a timeout.
    if (current_->shortest_timeout) {
        const milliseconds look =
            std::clamp(*current_->shortest_timeout / 8, milliseconds{20}, milliseconds{1'000});
        wakeup = std::min(wakeup, Clock::now() + look);
    }
    const bool may_recycle =
        std::any_of(workers_.begin(), workers_.end(),
                    [](const Worker& worker) { return worker->spec().recycle.is_set(); });
    if (may_recycle) wakeup = std::min(wakeup, Clock::now() + recycle_interval);
    if (standby_ && !incoming_) wakeup = std::min(wakeup, standby_->next_look());
    if (hooks_.every_minute && stopping_ == Stopping::no) wakeup = std::min(wakeup, next_minute_);
    if (stopping_ == Stopping::draining) wakeup = std::min(wakeup, drain_ends_);
    if (stopping_ == Stopping::no) wakeup = std::min(wakeup, next_delivery_look());
    return wakeup;
}

void Supervisor::handle_signals() {
    while (const auto signal = signals_.next()) {
        switch (*signal) {
        case SIGTERM:
            stop(true);
            break;
        case SIGINT:  // for a restart: what waits may stay where it is
            stop(false);
            break;
        case SIGHUP:
            reload_wanted_ = true;
            break;
        case SIGUSR1:
            hooks_.reopen_log();
            for (const Worker& worker : workers_)
                worker->reopen_log();
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
        if (judge_ && (judge_->is_canary(worker->spec()) || is_incoming(*worker))) {
            reject_delivery(sentence);
        } else if (!is_incoming(*worker)) {
            spdlog::error("{}", sentence);
        } else if (started_) {
            abandon_incoming(sentence);
        } else {
            throw StartFailure(failed->exit_code, sentence);
        }
    }
    commit_when_ready();
}

void Supervisor::reap() {
    int status = 0;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0;
         pid = ::waitpid(-1, &status, WNOHANG)) {
        WorkerProcess* worker = workers_.find(pid);
        if (worker == nullptr) {
            if (hooks_.on_other_child) hooks_.on_other_child(pid, status);
            continue;
        }
        // What it had to say comes before the fact that it is gone.
        if (worker->report_fd() >= 0) handle_reports();
        on_end(*worker, worker->ended(status));
    }
}

void Supervisor::tick() {
    const Clock::time_point now = Clock::now();
    for (const Worker& worker : workers_)
        worker->tick(now);
    if (stopping_ == Stopping::no && !incoming_) {
        consult_judge(now);
        recycle();
    }
    if (hooks_.every_minute && stopping_ == Stopping::no && now >= next_minute_) {
        hooks_.every_minute();
        next_minute_ = now + std::chrono::minutes{1};
    }
    if (stopping_ == Stopping::draining && now >= drain_ends_) {
        for (const Worker& worker : workers_)
            worker->ask_to_leave(milliseconds{0});
    }
}

void Supervisor::stop(bool with_drain) {
    if (stopping_ == Stopping::no) {
        spdlog::info("stopping");
        drain_wanted_ = with_drain && started_;
        stopping_ = Stopping::workers;
    }
    incoming_.reset();
    judge_.reset();
    standby_.reset();
    for (const Worker& worker : workers_)
        worker->ask_to_leave(current_->stop_timeout);
}

// The last worker is gone: what is left in kernel queues and slots goes where it outlives a reboot.
void Supervisor::drain() {
    stopping_ = Stopping::draining;
    drain_ends_ = Clock::now() + current_->stop_timeout;
    if (!drain_wanted_) return;
    for (const Drain& drain : current_->drains) {
        hire(drain.queue);
        workers_.take_leftovers([&](const SlotName& slot) {
            return slot.belongs_to(drain.slot->queue, false) ? drain.slot : nullptr;
        });
    }
}

}  // namespace myq
