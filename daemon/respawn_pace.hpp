#pragma once

#include <chrono>

namespace myq {

// What a process on a slot was good for, as its end shows.
enum class Life {
    useful,     // it settled a message, was idle and well for a second, or left when asked
    killed,     // none of that: SIGKILL came from outside
    stillborn,  // none of that: it ended in any other way, before it was ready or soon after
};

// How long to wait for the next process in place of one that has ended.
//
// After a useful life the next one comes at once. SIGKILL from outside says nothing of the next
// one, so that comes at once, too. But a memory killer may take every worker, whether or not it has
// a message, and each costs a fork and the loading of every plugin: each further kill in a row is
// followed by a pause, which doubles from 50 ms to 5 s. Who is stillborn will be so again until
// somebody mends the cause: these pauses double from 1 s to 60 s. A useful life ends both rows.
class RespawnPace {
public:
    // The pause to make now.
    std::chrono::milliseconds after(Life life);

    // The last one was killed: whether the present life is useful makes a difference.
    bool is_after_kill() const { return was_killed_; }

private:
    bool was_killed_ = false;
    std::chrono::milliseconds kill_pause_{0};
    std::chrono::milliseconds stillborn_pause_{0};
};

}  // namespace myq
