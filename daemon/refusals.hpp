#pragma once

#include "daemon/log_pace.hpp"

#include <cstdint>
#include <string>

namespace myq {

// What the log says of messages that the journal has no room for: each is refused in a line, at a
// pace, and the next one that is taken is the word that this is over.
class Refusals {
public:
    // `queue` is a name, and must outlive the object.
    explicit Refusals(const std::string& queue) : queue_(queue) {}

    // `size` is the body's.
    void refused(std::int64_t type, std::uint64_t size, const std::string& why);
    void taken();

private:
    const std::string& queue_;
    LogPace pace_;
    bool is_said_ = false;
};

}  // namespace myq
