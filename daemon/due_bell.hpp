#pragma once

#include "daemon/unix/owned.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace myq {

// Says when the next message of one queue is due in the journal, from whoever puts one there to
// whoever takes it out. Made before the fork; the memory and the descriptors are shared.
//
// The time is kept beside the ring, not in it, so that no ring is ever lost: the earliest time
// announced stays until somebody takes it, and then looks into the journal himself.
class DueBell {
public:
    static constexpr std::int64_t at_once = 0;
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    // `due_ms`: when something is due already; at_once where nobody has looked yet.
    explicit DueBell(std::int64_t due_ms);
    ~DueBell();
    DueBell(const DueBell&) = delete;
    DueBell& operator=(const DueBell&) = delete;

    // Milliseconds since the epoch; wakes the supervisor and the waiting workers.
    void announce(std::int64_t due_ms) const noexcept;

    std::int64_t next() const;
    // Whoever calls it looks into the journal next, and announces what is left there.
    std::int64_t take() const;

    // Readable once something was announced, until it is read (eventfd(2)): for the supervisor.
    int supervisor_fd() const { return supervisor_.value(); }

    // What it shares with other processes.
    const void* memory() const { return shared_; }

    // For any number of workers: the rings so far, and a wait for one more than `seen`. Each worker
    // counts for itself, so that none hears a ring in another's place. May return early, and does
    // when a signal comes.
    std::uint32_t rings() const;
    void wait(std::uint32_t seen, std::optional<std::chrono::milliseconds> patience) const;

private:
    struct Shared;  // by every process
    Shared* shared_;
    Fd supervisor_;
};

}  // namespace myq
