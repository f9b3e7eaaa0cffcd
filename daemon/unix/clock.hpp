#pragma once

#include <time.h>

#include <cstdint>

// The two clocks, as the integers that shared memory and files hold.
namespace myq {

// CLOCK_MONOTONIC: for everything that takes or limits time. No system call (vDSO).
inline std::int64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// The same some milliseconds late, for a memory read.
inline std::int64_t coarse_monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// CLOCK_REALTIME, since the epoch: for what must mean the same after a reboot. It may jump.
inline std::int64_t wall_clock_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * std::int64_t{1'000} + now.tv_nsec / 1'000'000;
}

}  // namespace myq
