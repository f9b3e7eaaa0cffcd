#include "daemon/trial.hpp"

#include "daemon/one_message.hpp"
#include "daemon/scratch_directory.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/signals.hpp"
#include "daemon/worker.hpp"
#include "daemon/worker_process.hpp"
#include "ipc/message_queue.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace myq {

namespace {

using std::chrono::milliseconds;

// How long a worker may take to finish after the first Ctrl-C; after the second it is killed.
constexpr milliseconds trial_patience{10'000};
constexpr milliseconds trial_interval{20};

// A queue with one handler and one message, the latter in a journal that goes with the object.
class Queue {
public:
    explicit Queue(const Trial& trial)
        : trial_(trial),
          place_{directory_.path(), {}},
          routes_{trial.route},
          last_attempt_{trial.route} {
        config_.name = trial.queue;
        // So that "retry" is what it says, whichever attempt this is said to be.
        config_.retry.attempts =
            std::max(config_.retry.attempts, static_cast<int>(trial.attempt) + 1);
        config_.retry.jitter = 0;
        last_attempt_.front().handler.retry = RetryConfig{};
        last_attempt_.front().handler.retry->attempts = 1;
        place_.limits.min_free = 0;
        fill();
    }

    WorkerTask task() const { return task(routes_); }
    // For the heir of a worker that was killed from outside, who would call the handler again.
    WorkerTask task_without_another_try() const { return task(last_attempt_); }

    // What a worker needs open.
    std::vector<int> descriptors() const {
        return {directory_.alive(), bell_.supervisor_fd(), routes_.front().image->memory.value()};
    }

    // To be asked once, when the last worker is gone.
    TrialEnd end(std::optional<TrialEnd::What> broken_off) const {
        Journal journal(place_.directory, place_.limits, false);
        const std::int64_t now = wall_clock_ms();
        std::optional<JournalEntry> left;
        journal.list({}, now, [&](const JournalEntry& entry) { left = entry; });
        if (left) left = journal.find(left->row, now);
        if (!left) return {TrialEnd::What::done, {}, {}};
        const bool has_failed = !left->history.empty();
        TrialEnd end;
        end.reason = has_failed ? left->history.back().cause : left->reason;
        if (broken_off) {
            end.what = *broken_off;
        } else if (left->state == JournalState::dead) {
            end.what = TrialEnd::What::reject;
        } else if (has_failed) {
            end.what = TrialEnd::What::retry;
            end.delay = milliseconds{left->due_ms - left->history.back().at_ms};
        } else {
            throw TrialFailure(EX_SOFTWARE, "the worker left without having taken the message");
        }
        return end;
    }

private:
    WorkerTask task(std::span<const Route> routes) const {
        return {config_,
                Selector::any(),
                routes,
                trial_.service,
                place_,
                bell_,
                WorkerTask::From::journal_once};
    }

    void fill() const {
        Journal journal(place_.directory, place_.limits, true);
        NewMessage message;
        message.type = trial_.type;
        message.id = trial_.id;
        message.attempts = trial_.attempt - 1;
        message.body = std::as_bytes(std::span(trial_.body));
        journal.transact(Survives::kill,
                         [&] { journal.insert(journal.queue_number(trial_.queue), message); });
    }

    const Trial& trial_;
    ScratchDirectory directory_;
    JournalPlace place_;
    QueueConfig config_;
    std::vector<Route> routes_, last_attempt_;
    DueBell bell_{DueBell::at_once};
};

// Sees to one worker as the daemon's supervisor sees to many, until its message is settled.
class LoneSupervisor {
public:
    LoneSupervisor(const Queue& queue, std::size_t capacity)
        : queue_(queue),
          worker_(spec([&queue](const WorkerSeat& seat) { return run_worker(queue.task(), seat); },
                       queue.descriptors()),
                  std::make_unique<SlotFile>(capacity)) {}

    // How the handler was broken off, if it was.
    std::optional<TrialEnd::What> run() {
        worker_.spawn();
        while (worker_.state() != WorkerProcess::State::gone)
            wait_for_event();
        if (interrupted_ && worker_.slot().view().occupied)
            throw TrialFailure(128 + SIGINT, "interrupted before the handler was done");
        return broken_off_;
    }

private:
    static std::shared_ptr<WorkerSpec> spec(std::function<int(const WorkerSeat&)> body,
                                            std::vector<int> descriptors) {
        auto made = std::make_shared<WorkerSpec>(WorkerSpec{"try", std::move(body)});
        made->leaves_by_itself = true;
        made->descriptors = std::move(descriptors);
        return made;
    }

    void wait_for_event() {
        std::array<pollfd, 2> fds{{{signals_.fd(), POLLIN, 0}, {worker_.report_fd(), POLLIN, 0}}};
        const int timeout = static_cast<int>(trial_interval.count());
        if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) throw failure("poll");
        if (worker_.report_fd() >= 0 && fds[1].revents != 0) read_report();
        while (const auto signal = signals_.next()) {
            if (*signal == SIGCHLD) continue;  // below
            worker_.ask_to_leave(interrupted_ ? milliseconds{0} : trial_patience);
            interrupted_ = true;
        }
        worker_.tick(Clock::now());
        int status = 0;
        if (::waitpid(worker_.pid(), &status, WNOHANG) == worker_.pid()) on_end(status);
    }

    void read_report() {
        if (const auto failed = worker_.read_report())
            throw TrialFailure(failed->exit_code, failed->sentence);
        is_ready_ = worker_.state() == WorkerProcess::State::ready;
    }

    void on_end(int wait_status) {
        if (worker_.report_fd() >= 0) read_report();
        const std::int64_t deadline = worker_.slot().view().deadline_ns;
        const WorkerProcess::End end = worker_.ended(wait_status);
        if (end.expected || interrupted_) return;
        if (!is_ready_) throw TrialFailure(EX_SOFTWARE, end.text + " when the handler was started");
        if (!end.occupied) {
            throw TrialFailure(EX_SOFTWARE,
                               end.text + " after the message, when the handler ended");
        }
        if (worker_.settle_only()) throw TrialFailure(EX_SOFTWARE, end.text);
        const bool timed_out = deadline != 0 && monotonic_ns() >= deadline;
        broken_off_ = timed_out ? TrialEnd::What::timeout : TrialEnd::What::crash;
        const bool killed = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL;
        worker_.settle_with(spec(
            [this, once = killed && !timed_out](const WorkerSeat& seat) {
                return run_worker(once ? queue_.task_without_another_try() : queue_.task(), seat);
            },
            queue_.descriptors()));
        is_ready_ = false;
        worker_.spawn();
    }

    SignalQueue signals_{SIGCHLD, SIGTERM, SIGINT};
    const Queue& queue_;
    WorkerProcess worker_;
    bool is_ready_ = false;
    bool interrupted_ = false;
    std::optional<TrialEnd::What> broken_off_;
};

}  // namespace

TrialEnd run_trial(const Trial& trial) {
    const Queue queue(trial);
    // A longer body stays in the journal, as in a daemon.
    LoneSupervisor supervisor(queue, largest_body());
    return queue.end(supervisor.run());
}

TrialEnd run_trial_here(const Trial& trial) {
    const Queue queue(trial);
    const SlotFile slot(largest_body());
    Fd nobody;
    const int code = run_worker(queue.task(), {slot, nobody, ::getppid(), false, ""});
    // Said already: there is nobody but us to be told.
    if (code != EXIT_SUCCESS) throw TrialFailure(code, "");
    return queue.end({});
}

}  // namespace myq
