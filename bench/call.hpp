#pragma once

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace myq::bench {

// A call and its reply beside a bare msgsnd and msgrcv there and back; and a command that is run
// for every message beside a bare posix_spawn and waitpid of the same.
void measure_call(const Options& options, Report& report);

}  // namespace myq::bench
