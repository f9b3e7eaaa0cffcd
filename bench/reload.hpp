#pragma once

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace myq::bench {

// How a full load goes on while a plugin is replaced, and while the configuration is read again.
void measure_reload(const Options& options, Report& report);

}  // namespace myq::bench
