#include "daemon/worker_process.hpp"

#include "daemon/unix/child.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <random>
#include <utility>

namespace myq {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds term_again{50};
// A process in an uninterruptible sleep takes its time to die.
constexpr milliseconds kill_again{60'000};
// What a handler gets to come to its senses after its timeout, before its worker is killed.
constexpr milliseconds grace{1'000};
// A worker that lived shorter than this and did nothing is as good as one that never started; who
// was ready for longer and has nothing to do is well.
constexpr milliseconds infancy{1'000};
// Of those that work in shifts, one now and then finds that others were faster.
constexpr int most_idle_shifts = 50;

std::minstd_rand& random_source() {
    static std::minstd_rand source{std::random_device{}()};
    return source;
}

// By proc(5); for a process that looks at its signals only now and then.
bool blocks_sigterm(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        const bool is_mask = line.starts_with("SigBlk:") || line.starts_with("SigIgn:");
        if (!is_mask) continue;
        const auto mask = std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 16);
        if ((mask & (1ULL << (SIGTERM - 1))) != 0) return true;
    }
    return false;
}

std::uint64_t resident_bytes(pid_t pid) {
    std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

const char* name_of(WorkerSpec::Role role) {
    switch (role) {
    case WorkerSpec::Role::receiver:
        return "receiver";
    case WorkerSpec::Role::journal:
        return "journal";
    case WorkerSpec::Role::intake:
        return "intake";
    }
    return "";
}

Tallies total(const std::vector<TallyRow>& rows) {
    Tallies sums{};
    for (const TallyRow& row : rows) {
        for (std::size_t i = 0; i < sums.size(); ++i)
            sums.at(i) += row.counts.at(i);
    }
    return sums;
}

std::optional<Clock::time_point> WorkerProcess::next_event() const {
    switch (state_) {
    case State::waiting:
        return spawn_at_;
    case State::leaving:
        return std::min(next_term_, kill_at_);
    case State::ready:
        if (pace_.is_after_kill() && !was_useful_) return next_look_;
        return std::nullopt;
    default:
        return std::nullopt;
    }
}

void WorkerProcess::spawn() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw failure("pipe2");
    report_ = Fd{ends[0]};
    Fd child_end{ends[1]};
    messages_at_birth_ = slot_->view().messages;
    const pid_t supervisor = ::getpid();
    std::vector<int> keep = spec_->descriptors;
    keep.insert(keep.end(), {slot_->fd().value(), child_end.value()});
    pid_ = fork_child(
        [&] {
            leave_terminal();
            return spec_->body(
                {*slot_, child_end, supervisor, settle_only_, last_end_, last_cause_});
        },
        keep);
    born_ = Clock::now();
    wear_ = std::uniform_real_distribution<double>(0.9, 1.1)(random_source());
    end_reason_.clear();
    was_ready_ = false;
    was_useful_ = false;
    was_deaf_ = false;
    reopen_wanted_ = false;
    state_ = State::starting;
}

std::optional<WorkerProcess::Failure> WorkerProcess::read_report() {
    std::array<char, 1024> text{};
    // One small write by the worker, and so one read; nothing at all when it died before.
    const ssize_t n = ::read(report_.value(), text.data(), text.size());
    report_.reset();
    if (n < 2) return std::nullopt;
    if (text[0] == EXIT_SUCCESS) {
        if (state_ == State::starting) state_ = State::ready;
        was_ready_ = true;
        next_look_ = Clock::now() + infancy;
        if (std::exchange(reopen_wanted_, false)) reopen_log();
        return std::nullopt;
    }
    // Between the exit code and the byte that ends the report; see Readiness.
    return Failure{text[0], std::string(text.data() + 1, static_cast<std::size_t>(n - 2))};
}

void WorkerProcess::reopen_log() {
    if (!pid_) return;
    reopen_wanted_ = !was_ready_;
    if (was_ready_) ::kill(pid_.value(), SIGUSR1);
}

void WorkerProcess::ask_to_leave(milliseconds patience, const std::string& reason) {
    if (state_ == State::waiting) state_ = State::gone;
    if (state_ == State::gone) return;
    const Clock::time_point now = Clock::now();
    const Clock::time_point last = now + patience;
    kill_at_ = state_ == State::leaving ? std::min(kill_at_, last) : last;
    next_term_ = now;
    state_ = State::leaving;
    if (!reason.empty()) end_reason_ = reason;
    tick(now);
}

void WorkerProcess::tick(Clock::time_point now) {
    if (state_ == State::ready) {
        look_at_life(now);
        return check_deadline(now);
    }
    if (state_ != State::leaving) return;
    if (now >= kill_at_) {
        ::kill(pid_.value(), SIGKILL);
        kill_at_ = now + kill_again;
        next_term_ = kill_at_;
    } else if (now >= next_term_ && std::exchange(was_deaf_, is_deaf()) && was_deaf_) {
        // A handler has left SIGTERM blocked: seen twice, since who is just hearing one blocks it
        // too. Nothing is in its hands, so nothing is lost.
        ::kill(pid_.value(), SIGKILL);
        next_term_ = now + term_again;
    } else if (now >= next_term_) {
        // Again and again: msgrcv() takes no signal mask, so a SIGTERM that lands between the
        // worker's look at its flag and msgrcv() finds it asleep.
        ::kill(pid_.value(), SIGTERM);
        next_term_ = now + term_again;
    }
}

// Again and again while it is busy: a handler, or the fetching of a large body, may take long.
void WorkerProcess::look_at_life(Clock::time_point now) {
    if (was_useful_ || !was_ready_ || now < next_look_) return;
    const SlotView view = slot_->view();
    was_useful_ = !view.occupied || view.messages != messages_at_birth_;
    next_look_ = now + infancy;
}

bool WorkerProcess::is_deaf() const {
    return was_ready_ && !slot_->view().occupied && blocks_sigterm(pid_.value());
}

void WorkerProcess::check_deadline(Clock::time_point now) {
    const std::int64_t deadline = slot_->view().deadline_ns;
    // steady_clock is CLOCK_MONOTONIC, whose nanoseconds the worker wrote.
    if (deadline == 0 || now.time_since_epoch() < std::chrono::nanoseconds{deadline}) return;
    ask_to_leave(grace, "the handler's timeout ran out");
}

WorkerProcess::End WorkerProcess::ended(int wait_status) {
    pid_.disown();
    const SlotView view = slot_->view();
    End end;
    end.text = end_reason_.empty() ? describe_exit(wait_status) : end_reason_;
    end.occupied = view.occupied;
    // Asked to leave, or it came to an end of its own: nothing to do, or its slot is too small.
    end.shift_over = wait_status == 0 && spec_->works_in_shifts && was_ready_;
    const bool in_order =
        end.shift_over || (wait_status == 0 && !view.occupied &&
                           (spec_->leaves_by_itself || settle_only_ || view.needed_body != 0));
    end.expected = in_order || (state_ == State::leaving && end_reason_.empty());
    const bool killed = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL;
    look_at_life(Clock::now());
    end.life = life_of(view, end.expected, killed && end_reason_.empty());
    const bool did_nothing = end.shift_over && view.messages == messages_at_birth_ &&
                             !view.occupied && Clock::now() - born_ < infancy;
    idle_shifts_ = did_nothing ? idle_shifts_ + 1 : 0;
    if (idle_shifts_ >= most_idle_shifts) end.life = Life::stillborn;
    last_end_ = end.text;
    last_cause_ = killed ? WorkerSeat::Cause::killed : WorkerSeat::Cause::crashed;
    if (!end_reason_.empty()) last_cause_ = WorkerSeat::Cause::timed_out;
    report_.reset();
    // There is no pid any more, and kill(-1) would end every process of this user.
    state_ = State::gone;
    return end;
}

Life WorkerProcess::life_of(const SlotView& last, bool expected, bool killed) const {
    const bool settled = last.messages != messages_at_birth_;
    if (expected || was_useful_) return Life::useful;
    if (killed) return settled ? Life::useful : Life::killed;
    if (state_ == State::starting) return Life::stillborn;
    const bool did_something = settled || last.occupied || last.needed_body != 0;
    return did_something || Clock::now() - born_ >= infancy ? Life::useful : Life::stillborn;
}

bool WorkerProcess::is_worn(Clock::time_point now) const {
    if (state_ != State::ready || replaced_) return false;
    const WorkerSpec::Recycle& limits = spec_->recycle;
    const auto reached = [&](auto value, auto limit) {
        return static_cast<double>(value) >= wear_ * static_cast<double>(limit);
    };
    const auto age = std::chrono::duration_cast<milliseconds>(now - born_).count();
    const std::uint64_t messages = slot_->view().messages - messages_at_birth_;
    return (limits.max_messages && reached(messages, *limits.max_messages)) ||
           (limits.max_age && reached(age, limits.max_age->count())) ||
           (limits.max_rss && reached(resident_bytes(pid_.value()), *limits.max_rss));
}

Tallies WorkerProcess::settled() const {
    Tallies now = total(slot_->tallies());
    for (std::size_t i = 0; i < now.size(); ++i)
        now.at(i) -= settled_before_.at(i);
    return now;
}

void WorkerProcess::renew_slot(const SlotDirectory& slots, std::size_t body_capacity) {
    const Tallies so_far = settled();
    slot_ = slots.open(slot_->name(), body_capacity);
    // Unsigned, so that what was settled in the old slot still counts in the differences, also
    // where the tallies began anew.
    settled_before_ = total(slot_->tallies());
    for (std::size_t i = 0; i < so_far.size(); ++i)
        settled_before_.at(i) -= so_far.at(i);
}

milliseconds WorkerProcess::schedule_respawn(Life last) {
    state_ = State::waiting;
    const milliseconds pause = pace_.after(last);
    spawn_at_ = Clock::now() + pause;
    return pause;
}

}  // namespace myq
