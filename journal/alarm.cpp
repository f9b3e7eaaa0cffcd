#include "journal/alarm.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace myq {

namespace {

constexpr std::chrono::milliseconds again{10};

// One that nobody else is likely to use.
int alarm_signal() {
    return SIGRTMAX - 3;
}

timespec to_timespec(std::chrono::milliseconds time) {
    return {time.count() / 1'000, time.count() % 1'000 * 1'000'000};
}

}  // namespace

Alarm::Alarm(std::chrono::milliseconds after) {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = alarm_signal();
    event._sigev_un._tid = ::gettid();
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0)
        throw std::system_error(errno, std::generic_category(), "timer_create");
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {};  // and no SA_RESTART
    ::sigaction(alarm_signal(), &nothing, &action_);
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, alarm_signal());
    ::sigprocmask(SIG_UNBLOCK, &set, &mask_);
    const itimerspec times{to_timespec(again),
                           to_timespec(std::max(after, std::chrono::milliseconds{1}))};
    ::timer_settime(timer_, 0, &times, nullptr);
}

Alarm::~Alarm() {
    ::timer_delete(timer_);  // before the handler goes, or a late signal would end the process
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
    ::sigaction(alarm_signal(), &action_, nullptr);
}

}  // namespace myq
