#pragma once

#include <signal.h>
#include <time.h>

#include <chrono>

namespace myq {

// Ends a wait inside the kernel (EINTR) from `after` on: by a signal to this thread, again and
// again, since one that comes just before the wait begins would be lost. Whatever the process does
// about that signal otherwise it does again when the object ends. Throws std::system_error.
class Alarm {
public:
    explicit Alarm(std::chrono::milliseconds after);
    ~Alarm();
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

private:
    timer_t timer_{};
    struct sigaction action_ {};
    sigset_t mask_{};
};

}  // namespace myq
