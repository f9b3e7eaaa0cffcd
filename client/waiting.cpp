#include "client/waiting.hpp"

#include <signal.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace myq {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::array stop_signals = {SIGINT, SIGTERM, SIGHUP};
constexpr milliseconds between_ticks{200};
constexpr milliseconds between_repeats{10};

// What a signal handler needs can only be global.
volatile sig_atomic_t stop_signal = 0;
timer_t timer{};

timespec to_timespec(milliseconds time) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    return {seconds.count(), (time - seconds).count() * 1'000'000};
}

// SIGALRM after `first`, then again and again. Safe in a signal handler.
void arm(milliseconds first) {
    const itimerspec times{to_timespec(between_repeats), to_timespec(first)};
    timer_settime(timer, 0, &times, nullptr);
}

void disarm() {
    const itimerspec never{};
    timer_settime(timer, 0, &never, nullptr);
}

void on_stop(int signal) {
    const int saved = errno;
    stop_signal = signal;
    arm(between_repeats);  // this signal itself may have come just before the call
    errno = saved;
}

void on_alarm(int) {}  // being called is all: it makes the call return EINTR

void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;  // and no SA_RESTART, for read(2) and write(2)
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    return action.sa_handler == SIG_IGN;
}

struct Disarmed {
    Disarmed() = default;
    ~Disarmed() { disarm(); }
    Disarmed(const Disarmed&) = delete;
    Disarmed& operator=(const Disarmed&) = delete;
};

}  // namespace

Waiting::Waiting() {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
        throw std::system_error(errno, std::generic_category(), "timer_create");
    }
    handle(SIGALRM, on_alarm);
    for (const int signal : stop_signals) {
        if (!is_ignored(signal)) handle(signal, on_stop);  // nohup has its reasons
    }
}

Waiting::~Waiting() {
    for (const int signal : stop_signals) {
        if (!is_ignored(signal)) handle(signal, SIG_DFL);
    }
    timer_delete(timer);
    handle(SIGALRM, SIG_DFL);
}

bool Waiting::stopped() {
    return stop_signal != 0;
}

void Waiting::check(const std::string& text) {
    if (stopped()) throw Interrupted{stop_signal, text};
}

bool Waiting::until(const std::function<bool()>& attempt, std::optional<milliseconds> timeout,
                    const std::function<void()>& tick) {
    // steady_clock counts nanoseconds: a timeout of centuries must not overflow it.
    constexpr milliseconds longest = std::chrono::hours{24 * 365 * 100};
    const Clock::time_point deadline = Clock::now() + std::min(timeout.value_or(longest), longest);
    const Disarmed at_the_end;
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        if (left <= milliseconds{0}) return false;
        if (tick) {
            arm(std::min(left, between_ticks));
        } else if (timeout) {
            arm(left);
        }
        check();  // after arm(), which would undo what on_stop() armed
        if (attempt()) return true;
        check();
        if (tick) tick();
    }
}

}  // namespace myq
