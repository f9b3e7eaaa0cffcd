#pragma once

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace myq::bench {

// Decoding an array of records that serialize() wrote, beside PHP's own unserialize().
void measure_php_value(const Options& options, Report& report);

}  // namespace myq::bench
