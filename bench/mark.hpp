#pragma once

#include <sys/msg.h>
#include <time.h>

#include <cstdint>
#include <cstring>
#include <span>

namespace myq::bench {

// What the receiver of a message is to do.
enum class Wanted : std::int32_t {
    nothing,
    an_answer,
    a_death,  // an answer each time; and at the first attempt, to be killed over the message
};

// What the body of every message begins with. The sender's clock stops when its last message was
// handled, not when it was sent, so that message asks for an answer; a round trip is a message that
// asks.
struct Mark {
    Wanted wanted = Wanted::nothing;
    std::int32_t answers_to = -1;  // id of the queue for it
};

struct Answer {
    long type = 1;
    std::int64_t handed_ns = 0;  // CLOCK_MONOTONIC when the receiver had the message in hand
};
constexpr std::size_t answer_size = sizeof(Answer) - sizeof(long);

inline std::int64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The same few instructions in both receivers, the bare loop and the plugin: whatever they cost,
// both pay it.
inline bool answer_if_asked(std::span<const std::byte> body, Mark& mark) {
    if (body.size() < sizeof mark) return false;
    std::memcpy(&mark, body.data(), sizeof mark);
    if (mark.wanted == Wanted::nothing) return true;
    const Answer answer{1, monotonic_ns()};
    return ::msgsnd(mark.answers_to, &answer, answer_size, 0) == 0;
}

}  // namespace myq::bench
