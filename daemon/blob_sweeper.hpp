#pragma once

#include "daemon/plan.hpp"
#include "daemon/slot_directory.hpp"

#include <sys/types.h>

namespace myq {

// Has sweep_blobs() done at work, by a process of its own: what lies there was written by
// strangers. One at a time.
class BlobSweeper {
public:
    // `slots` must outlive the object.
    BlobSweeper(const SlotDirectory& slots, uid_t service) : slots_(slots), service_(service) {}

    void sweep(const Plan& plan);

    // Of any child that has ended and is no worker.
    void ended(pid_t child) {
        if (child == sweeper_) sweeper_ = 0;
    }

private:
    const SlotDirectory& slots_;
    uid_t service_;
    pid_t sweeper_ = 0;
};

}  // namespace myq
