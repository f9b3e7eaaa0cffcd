#pragma once

#include "daemon/unix/clock.hpp"
#include "daemon/unix/process_state.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace myq {

// Keeps a worker clean of what handlers leave behind: puts its signals, umask and directory back,
// and says who changed them and who leaks descriptors.
//
// It asks the worker to leave when a handler has closed a standard descriptor, since what the next
// open(2) gave in its place would be written to as if it were the log, and when the worker has used
// up so much of its processor time that the next message could find too little.
//
// That takes some ten system calls, so it is done at most ten times a second: after each message on
// a quiet queue, after one of thousands on a busy one.
class Hygiene {
public:
    // It leaves before it has used up this much processor time.
    void leave_after(std::chrono::milliseconds processor_time) { most_time_ = processor_time; }

    // After each message; `plugin` has just run.
    void after_message(const char* plugin) {
        const std::int64_t now = coarse_monotonic_ns();
        if (now - cleaned_ns_ >= interval_ns) clean(plugin, now);
    }

private:
    static constexpr std::int64_t interval_ns = 100'000'000;

    void clean(const char* plugin, std::int64_t now);
    void check_standard_descriptors(const char* plugin);
    void check_processor_time();
    void count_descriptors(const char* plugin, std::int64_t now);

    ProcessState state_;
    std::int64_t cleaned_ns_ = 0, counted_ns_ = 0;
    std::size_t usual_descriptors_ = 0, warned_at_ = 0;
    std::set<std::string> said_;
    std::optional<std::chrono::milliseconds> most_time_;
};

}  // namespace myq
