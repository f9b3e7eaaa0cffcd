#pragma once

#include "daemon/unix/owned.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace myq::bench {

using Clock = std::chrono::steady_clock;

// What senders achieved.
struct Sent {
    std::uint64_t in_time = 0;  // confirmed before the time was over
    std::uint64_t in_all = 0;   // confirmed at last: a sender leaves nothing in flight
};

// Processes that send side by side, all from one moment to another.
class Crowd {
public:
    // Where a sender waits until all are prepared; returns when its time is over.
    using StartingLine = std::function<Clock::time_point()>;
    // A sender's whole life, in its own process. What it throws is said on standard error.
    using Life = std::function<Sent(const StartingLine& start)>;

    // Returns when all are prepared. Throws std::runtime_error when one has failed.
    Crowd(int senders, const Life& life);
    // Kills whoever is left.
    ~Crowd() = default;
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    // Once: lets them send for that long, and waits until all have done.
    Sent run(std::chrono::duration<double> duration);

private:
    void await(void* words, std::size_t size) const;

    int senders_;
    Fd reports_;  // a word of each that is prepared, then what it achieved
    Fd orders_;   // when the time is over, for each
    std::vector<ChildPid> pids_;
};

}  // namespace myq::bench
