#pragma once

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace myq::bench {

// Large bodies, from the sender's memory to a handler: beside memcpy(3), which is the least that it
// can cost, and beside a list of Redis.
void measure_blobs(const Options& options, Report& report);

}  // namespace myq::bench
