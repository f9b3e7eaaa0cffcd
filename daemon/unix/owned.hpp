#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace myq {

// A number that the kernel handed out and that must be given back exactly once: move-only, -1 for
// none. A bare descriptor never crosses a function boundary; an Owned one cannot leak on an early
// return or an exception.
//
// Two hazards. After waitpid() has reported a child, disown() the pid: the number may already be
// somebody else's. And a forked child must leave by _exit(), or the destructors of its copy of the
// parent's table would end its own siblings.
template <auto release>
class Owned {
public:
    Owned() = default;
    explicit Owned(int value) : value_(value) {}
    ~Owned() { reset(); }
    Owned(Owned&& other) noexcept : value_(other.disown()) {}
    Owned& operator=(Owned&& other) noexcept {
        if (this != &other) {
            reset();
            value_ = other.disown();
        }
        return *this;
    }
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;

    int value() const { return value_; }
    explicit operator bool() const { return value_ >= 0; }
    int disown() { return std::exchange(value_, -1); }
    void reset() {
        if (value_ >= 0) release(std::exchange(value_, -1));
    }

private:
    int value_ = -1;
};

inline void kill_and_reap(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

using Fd = Owned<::close>;
using ChildPid = Owned<kill_and_reap>;

}  // namespace myq
