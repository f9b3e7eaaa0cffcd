#pragma once

#include "daemon/options.hpp"

namespace myq {

// What init script and logrotate ask of a daemon that may be running in another process. Who runs
// is asked of its lock, and what is sent goes to the holder of the lock, never to a number. Each
// returns the exit code that LSB 3.1, "Init Script Actions", gives for its case, and says in one
// line what it found.

int show_status(const Options& options);  // 0 runs, 1 dead with a pid file, 3 not, 4 unknown
int stop_daemon(const Options& options);  // 0 stopped or was not running, 1 failed, 4 no rights
// When the daemon works by the new configuration: 0, 1 it cannot, 7 not running, 6 config refused,
// 4 no rights.
int reload_daemon(const Options& options);
int reopen_log_of_daemon(const Options& options);  // 0, 1 failed, 7 not running, 4 no rights
int remove_queues(const Options& options);  // 0, 1 daemon runs or another failure, 4 no rights

}  // namespace myq
