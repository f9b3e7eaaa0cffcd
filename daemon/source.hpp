#pragma once

#include "daemon/slot.hpp"

namespace myq {

enum class Fetch {
    message,       // the slot is occupied
    interrupted,   // a signal came; look whether it was the one to leave
    does_not_fit,  // a message waits that is longer than the slot, which was told so
    finished,      // nothing is left to do for this worker
};

// Where a worker takes its messages from, one after the other, into its slot.
class Source {
public:
    Source() = default;
    virtual ~Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    // Waits for a message. The slot is empty before.
    virtual Fetch fetch(Slot& slot) = 0;

    // Puts one more message behind those in the slot's handful, if one is there right now; waits
    // for nothing. For a handler that takes many.
    virtual bool fetch_more(Slot&) { return false; }

    // The worker leaves, in order: gives back what was taken ahead. The slot may be occupied.
    virtual void leave(Slot&) {}
};

}  // namespace myq
