#pragma once

#include "daemon/unix/owned.hpp"
#include "tests/support/daemon_process.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <random>

namespace myq::test {

// Finds those processes of a daemon that are at work, or have a message in hand, for who wants to
// kill them over it. It believes the slot, as the next worker on it will.
class WorkerWatch {
public:
    // `daemon` must outlive the object.
    explicit WorkerWatch(const DaemonProcess& daemon) : daemon_(daemon) {}

    // A worker or an intake, at random, that has settled something, so that the supervisor does not
    // pace who comes in its place; one of eight may have only just come. 0: not the one that was
    // looked at.
    pid_t somebody(std::mt19937& random) { return look_at_one(random, false); }

    // The same, and its slot holds a message, claimed rows or a batch just now.
    pid_t somebody_busy(std::mt19937& random) { return look_at_one(random, true); }

private:
    struct Worker {
        Fd slot;
        std::uint64_t settled_before = 0;
        bool may_be_new = false;
    };

    static Worker find(pid_t pid);
    pid_t look_at_one(std::mt19937& random, bool must_be_busy);

    const DaemonProcess& daemon_;
    std::map<pid_t, Worker> known_;
};

}  // namespace myq::test
