#pragma once

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace myq::bench {

// Senders that go on only when their messages are on disk, while a worker handles them: a journaled
// queue beside beanstalkd, which is told to fsync every job, on the same disk.
void measure_confirmed(const Options& options, Report& report);

}  // namespace myq::bench
