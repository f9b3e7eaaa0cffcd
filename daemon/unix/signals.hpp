#pragma once

#include "daemon/unix/owned.hpp"

#include <signal.h>

#include <initializer_list>
#include <optional>

namespace myq {

// Every signal to its default, but SIGPIPE ignored (a broken pipe is an errno here), and nothing
// blocked: whoever started us may have left anything.
void reset_signals();

// Blocks these signals: they wait until somebody takes them, such as a SignalQueue made later.
void hold_signals(std::initializer_list<int> signals);

// Blocks these signals and delivers them through a descriptor instead, so that the supervisor's
// loop is the only place where a signal does anything. See signalfd(2).
class SignalQueue {
public:
    explicit SignalQueue(std::initializer_list<int> signals);

    int fd() const { return fd_.value(); }  // readable when next() has something
    std::optional<int> next();              // without waiting

private:
    Fd fd_;
};

// What a worker does about signals. msgrcv() takes no signal mask, so a signal that lands between
// the test of stop_requested() and msgrcv() finds the worker asleep: whoever sends SIGTERM repeats
// it until the worker is gone. A worker that its supervisor left behind repeats it to itself.
//
// SIGTERM asks to leave after the message in hand, SIGUSR1 runs `reopen` at once, in the handler
// (it must be async-signal-safe): a flag might be seen only after the next message, hours later.
void become_interruptible(pid_t supervisor, void (*reopen)());
bool stop_requested();
// As SIGTERM does. May be called in a signal handler.
void ask_self_to_leave();

}  // namespace myq
