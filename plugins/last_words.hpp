#pragma once

#include <chrono>
#include <optional>

// A stop and a reload let what is on its way arrive: five seconds are granted from when a handler
// first sees that its worker is to leave. One for each message.
class LastWords {
public:
    bool are_over(bool should_stop) {
        if (!should_stop) return false;
        const auto now = std::chrono::steady_clock::now();
        if (!deadline_) deadline_ = now + std::chrono::seconds{5};
        return now > *deadline_;
    }

private:
    std::optional<std::chrono::steady_clock::time_point> deadline_;
};
