#pragma once

#include "ipc/envelope.hpp"
#include "ipc/reply_queue.hpp"
#include "tests/faults/stage.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace myq::test {

// A sender that wants its messages confirmed, and can be asked which were. One thread.
class Asker {
public:
    // `stage` must outlive it; its queue exists.
    explicit Asker(Stage& stage);

    // Sends the next message of the checker's, with an address for the answer. False if the queue
    // has no room just now.
    bool send(std::string_view command = {});
    // The same with another address: a forged one.
    bool send_to(const ConfirmAddress& address);

    // Takes the answers that are there.
    void collect();
    // What was answered to the message with this number of sending, 1 and up; -1 for nothing yet.
    int answer(std::uint64_t sequence) const;
    std::uint64_t sent() const { return sent_; }
    std::size_t answered() const { return answers_.size(); }
    std::uint64_t answered_twice() const { return answered_twice_; }

    const ReplyQueue& replies() const { return replies_; }

private:
    Stage& stage_;
    MessageQueue queue_;
    ReplyQueue replies_;
    std::uint64_t sent_ = 0, answered_twice_ = 0;
    std::map<std::uint64_t, ConfirmStatus> answers_;
};

}  // namespace myq::test
