#pragma once

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace myq::bench {

// How long a message waits whose worker is killed over it: from the SIGKILL until the next worker
// hands it to a handler.
void measure_recovery(const Options& options, Report& report);

}  // namespace myq::bench
