#pragma once

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace myq::bench {

// From a sender to a handler through a queue in memory, beside the bare kernel queue or, if
// `options.against` says so, another myqd; and what the daemon costs alone.
void measure_hot_path(const Options& options, Report& report);

}  // namespace myq::bench
