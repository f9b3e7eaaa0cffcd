#pragma once

#include <myq/handler.hpp>

#include <algorithm>
#include <chrono>

// A handler that waits for others answers `retry` before the message's timeout is over, so that its
// worker is not killed for their sins: two steps before, a twentieth of the timeout each, and at
// most half a second.
inline std::chrono::milliseconds answer_step(std::chrono::milliseconds timeout) {
    return std::clamp(timeout / 20, std::chrono::milliseconds{2}, std::chrono::milliseconds{500});
}

// How long a handler may take for this message: `most`, or less where its timeout is shorter.
inline std::chrono::milliseconds time_to_answer(const myq::Message& message,
                                                std::chrono::milliseconds most) {
    const auto timeout = message.timeout();
    return timeout ? std::min(most, *timeout - 2 * answer_step(*timeout)) : most;
}
