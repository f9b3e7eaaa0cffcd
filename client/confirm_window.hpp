#pragma once

#include "ipc/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace myq {

// Which of a sender's messages are sent and not yet answered. Sequence numbers are 1, 2, 3 and so
// on; answers come as runs of them, in any order, and never twice for one message.
class ConfirmWindow {
public:
    // At most `size` messages at a time, at least 1.
    explicit ConfirmWindow(std::size_t size) : size_(size) {}

    bool is_empty() const { return in_flight_.empty(); }
    bool is_full() const { return in_flight_.size() >= size_; }
    std::size_t in_flight() const { return in_flight_.size(); }

    // The sequence number of the message that is added next.
    std::uint64_t next() const { return sent_ + 1; }
    void add(const MessageId& id) { in_flight_.emplace(++sent_, id); }

    // Takes the messages of a run out, `settled` being called with each. Numbers that are not in
    // flight count for nothing: an answer may be repeated, or be nonsense.
    void settle(const ConfirmRun& run,
                const std::function<void(std::uint64_t, const MessageId&)>& settled);

    std::uint64_t sent() const { return sent_; }
    std::uint64_t accepted() const { return accepted_; }

    // What was not taken, in runs of one status each, in order; numbers beside each other are one
    // run.
    struct Refused {
        std::uint64_t first, last;
        ConfirmStatus status;
        friend bool operator==(const Refused&, const Refused&) = default;
    };
    std::vector<Refused> refused() const;
    bool has_refused() const { return !refused_.empty(); }

private:
    std::size_t size_;
    std::uint64_t sent_ = 0;
    std::uint64_t accepted_ = 0;
    std::map<std::uint64_t, MessageId> in_flight_;
    std::map<std::uint64_t, ConfirmStatus> refused_;
};

// The numbers of the runs with this status, for people: "3 to 5, 9, 12 to 14 and 7 more".
std::string numbers_of(const std::vector<ConfirmWindow::Refused>& runs, ConfirmStatus status);

}  // namespace myq
