#pragma once

#include "config/config.hpp"

#include <chrono>

namespace myq {

// How long after failed attempt number `attempt` (1 is the first) the next is due: `delay`, doubled
// for each failure before, at most `max_delay`, and then made longer or shorter by up to `jitter`
// percent; `chance` is where in that range, from -1 to 1.
std::chrono::milliseconds retry_delay(const RetryConfig& policy, unsigned attempt, double chance);

}  // namespace myq
