#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace myq {

// SIGINT, SIGTERM or SIGHUP came; thrown at a moment when nothing is half done, and then died of.
struct Interrupted {
    int signal;
    std::string text;  // what to tell the user
};

// Ends waits inside msgsnd(2) and msgrcv(2), which have no timeout, and lets the signals that end a
// program come only between two messages, so that none is lost between the kernel and the output.
//
// Both calls return EINTR at every signal that has a handler. One signal may come just before the
// call and be missed, so the timer that this class arms repeats.
//
// One object at a time: signal handlers belong to the process.
class Waiting {
public:
    Waiting();
    ~Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

    // Whether the program was asked to end.
    static bool stopped();

    // Throws Interrupted, with `text`, if it was.
    static void check(const std::string& text = {});

    // Repeats `attempt`, which says false when a signal interrupted it, until it says true; returns
    // false if `timeout` passed first. `tick` is called some times a second while waiting. Throws
    // Interrupted.
    static bool until(const std::function<bool()>& attempt,
                      std::optional<std::chrono::milliseconds> timeout,
                      const std::function<void()>& tick = {});
};

}  // namespace myq
