#pragma once

#include "daemon/unix/owned.hpp"

#include <string>

namespace myq {

// How the one who started the daemon hears whether it works: exactly once, ready() or failed().
// Under a service manager (NOTIFY_SOCKET in the environment, sd_notify(3)) that hears it too.
class Readiness {
public:
    // For the foreground: failed() prints on standard error.
    Readiness();
    // For a daemon: the starter waits at the other end of `report`.
    explicit Readiness(Fd report) : Readiness() { report_ = std::move(report); }

    void ready();
    void failed(const std::string& sentence, int exit_code);

private:
    Fd report_;
    std::string notify_socket_;
};

// A clean process, whoever started us: only descriptors 0 to 2, default signals, umask 077, the
// working directory "/", and of the environment only PATH (ours), TZ, LANG, XDG_RUNTIME_DIR
// and XDG_STATE_HOME.
void clean_process();

// Detaches from terminal and parent by the double fork of daemon(7). Returns in the daemon only.
// The process that called it waits for the daemon's word and exits with it: 0 once Readiness says
// ready(), else with the code and the sentence that failed() was given.
Readiness daemonize();

// Points a standard stream at /dev/null.
void silence(int fd);

}  // namespace myq
