#pragma once

#include "daemon/options.hpp"

namespace myq {

// Starts the daemon and is it until it ends: the order of start-up is here. In the process that was
// called it returns (or exits) once the daemon is ready; see daemonize(). Throws what went wrong
// before the daemon was on its own; later failures reach the caller through Readiness.
int run_daemon(const Options& options);

// --check: everything that start-up would refuse, found without an effect.
int check(const Options& options);

}  // namespace myq
