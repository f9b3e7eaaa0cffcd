#pragma once

#include <sys/types.h>

#include <cstddef>

namespace myq::bench {

// What the daemon is compared with: a process that does nothing but msgrcv(2) into private memory,
// with nothing kept if it is killed. Lives as long as the object, and no longer than its maker.
class BareReceiver {
public:
    BareReceiver(int queue, std::size_t body_capacity);
    ~BareReceiver();
    BareReceiver(const BareReceiver&) = delete;
    BareReceiver& operator=(const BareReceiver&) = delete;

    pid_t pid() const { return pid_; }

private:
    pid_t pid_;
};

}  // namespace myq::bench
