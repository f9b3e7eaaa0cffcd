#pragma once

#include <sys/msg.h>

#include <cstdint>
#include <cstring>
#include <span>

namespace myq::bench {

// What the body of every message begins with. The sender's clock stops when its last message was
// handled, not when it was sent, so that message asks for an answer; a round trip is a message that
// asks.
struct Mark {
    std::int32_t wants_answer = 0;
    std::int32_t answers_to = -1;  // id of the queue for it
};

// The same few instructions in both receivers, the bare loop and the plugin: whatever they cost,
// both pay it.
inline bool answer_if_asked(std::span<const std::byte> body) {
    Mark mark;
    if (body.size() < sizeof mark) return false;
    std::memcpy(&mark, body.data(), sizeof mark);
    if (mark.wants_answer == 0) return true;
    struct {
        long type = 1;
        Mark mark;
    } answer;
    answer.mark = mark;
    return ::msgsnd(mark.answers_to, &answer, sizeof answer.mark, 0) == 0;
}

}  // namespace myq::bench
