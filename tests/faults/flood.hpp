#pragma once

#include "tests/faults/stage.hpp"

#include <atomic>
#include <cstddef>
#include <random>
#include <string_view>
#include <thread>

namespace myq::test {

// Sends as fast as the queue takes, in a thread of its own. Of a thousand messages ten take a
// millisecond, so that kills find handlers at work, and half of these count only then; some fail
// once, and some are rejected, so that they find the journal at work.
class Flood {
public:
    enum class As { root, member_of_the_group };

    // Begins at once, with messages of types 1 to 5. `stage` must outlive it. Ends after `most`
    // messages at the latest.
    Flood(Stage& stage, std::size_t most, unsigned seed, As as = As::root);
    ~Flood() { stop(); }
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;

    std::size_t sent() const { return sent_; }
    bool is_over() const { return over_; }

    // Ends it, also while it waits for room.
    void stop();

private:
    void run(As as);
    void send_one();
    std::string_view command();

    Stage& stage_;
    std::size_t most_;
    std::minstd_rand random_;
    std::atomic<std::size_t> sent_ = 0;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> over_ = false;
    std::thread thread_;  // last: it uses the others
};

}  // namespace myq::test
