#pragma once

#include "ipc/envelope.hpp"
#include "ipc/message_queue.hpp"
#include "ipc/reply_queue.hpp"
#include "tests/support/checker.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace myq::test {

// What one message asks for.
struct Wish {
    std::string command = {};  // of the ledger
    std::optional<std::int64_t> delay_ms = {};
    Checker::Fate fate = Checker::Fate::once;
};

// Senders that want each message confirmed, each with a window of them in flight. What is confirmed
// counts as accepted for the checker, and nothing else does.
class ConfirmedSenders {
public:
    struct Load {
        std::size_t messages = 1'000;  // of each sender
        std::size_t senders = 3;
        std::function<Wish(std::size_t id)> wish = [](std::size_t) { return Wish{}; };
    };

    // Begins at once. `checker` must outlive it; the queue belongs to the daemon's user.
    ConfirmedSenders(const MessageQueue& queue, Checker& checker, const Load& load);
    ~ConfirmedSenders() { stop(); }
    ConfirmedSenders(const ConfirmedSenders&) = delete;
    ConfirmedSenders& operator=(const ConfirmedSenders&) = delete;

    // Until every message is answered.
    void wait();
    // The daemon is no more: every answer that it has sent is read, and nothing is sent any more.
    // Its queue must be gone, or have room.
    void stop();

    // From now on no confirmation is believed: for the moment before the machine is no more.
    void doubt() { doubting_ = true; }

    // So far.
    std::size_t answered(ConfirmStatus status) const {
        return answers_.at(static_cast<std::size_t>(status));
    }
    // What was confirmed, and not doubted; for after wait() or stop().
    std::vector<std::size_t> confirmed() const;

private:
    // One sender: a thread, and the queue for its answers.
    struct Sender {
        Sender(uid_t daemon, std::size_t first_id) : replies(daemon), first(first_id) {}

        ReplyQueue replies;
        std::size_t first;  // of its ids, which are one behind the other
        std::vector<std::size_t> confirmed = {};
        std::size_t in_flight = 0;
        bool ended = false;  // it was told that no more answers come
        std::thread thread = {};
    };

    void run(Sender& sender, const Load& load);
    void send_all(Sender& sender, const Load& load);
    void send(Sender& sender, std::size_t id, const Wish& wish);
    void take_answer(Sender& sender);

    MessageQueue queue_;
    Checker& checker_;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> doubting_ = false;
    std::array<std::atomic<std::size_t>, 5> answers_{};
    std::list<Sender> senders_;
};

}  // namespace myq::test
