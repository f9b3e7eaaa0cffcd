#pragma once

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace myq::bench {

// What a journal full of messages that nobody can handle yet costs, beside an empty one:
// `options.rows` delayed, and half as many dead.
void measure_many_rows(const Options& options, Report& report);

}  // namespace myq::bench
