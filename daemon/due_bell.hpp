#pragma once

#include "daemon/unix/owned.hpp"

#include <atomic>
#include <cstdint>
#include <limits>

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

    std::int64_t next() const { return *next_; }
    // Whoever calls it looks into the journal next, and announces what is left there.
    std::int64_t take() const { return next_->exchange(never); }

    // Readable once something was announced, for the supervisor and for workers; silence() ends it.
    int supervisor_fd() const { return supervisor_.value(); }
    int worker_fd() const { return worker_.value(); }
    static void silence(int fd) noexcept;

private:
    std::atomic<std::int64_t>* next_;
    Fd supervisor_, worker_;
};

}  // namespace myq
