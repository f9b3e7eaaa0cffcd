#pragma once

#include <cstdint>

namespace myq {

// Removes the private queues of askers that have died, at most once a minute, and only when
// somebody is answered: who asks makes the queues, so this is often enough.
class OrphanSweep {
public:
    void now_and_then();

private:
    std::int64_t swept_ns_ = 0;
};

}  // namespace myq
