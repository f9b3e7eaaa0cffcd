#include "daemon/retry_delay.hpp"

#include <algorithm>

namespace myq {

std::chrono::milliseconds retry_delay(const RetryConfig& policy, unsigned attempt, double chance) {
    std::chrono::milliseconds delay = policy.delay;
    for (unsigned i = 1; i < attempt && delay < policy.max_delay && delay.count() > 0; ++i)
        delay *= 2;
    delay = std::min(delay, policy.max_delay);
    const double jitter = static_cast<double>(delay.count()) * policy.jitter / 100.0 * chance;
    return delay + std::chrono::milliseconds(static_cast<std::int64_t>(jitter));
}

}  // namespace myq
