#pragma once

#include "daemon/handler_table.hpp"
#include "daemon/in_hand.hpp"
#include "daemon/slot.hpp"
#include "daemon/source.hpp"

#include <myq/plugin.h>

#include <array>
#include <cstddef>
#include <vector>

namespace myq {

// A call of many messages: the one in hand, and behind it, in the slot's handful, those of the same
// handler that ask for nothing but to be handled now. In the order in which the source gave them;
// what is not fit for the call ends it, and waits in the handful for its own turn.
class Many {
public:
    // `queue` is the queue's name. Room for the handler that takes most, none where all take one.
    Many(const HandlerTable& handlers, const char* queue);

    bool is_needed() const { return !messages_.empty(); }

    // Takes what `source` has right now. How many there are for one call of `handler`, with
    // `first`, which is in hand.
    std::size_t gather(const LiveHandler& handler, const InHand& first, Slot& slot, Source& source);

    // Gives the handler as many.
    void call(const LiveHandler& handler, std::size_t count);

    // What it made of each; 0 is the one in hand, 1 the first of the handful.
    const myq_outcome& outcome(std::size_t message) const { return outcomes_[message]; }

private:
    bool is_fit(const LiveHandler& handler, const Handful::Message& message, InHand& in_hand) const;
    void put(std::size_t place, const LiveHandler& handler, std::int64_t type,
             const InHand& message, std::uint32_t attempt);

    const HandlerTable& handlers_;
    const char* queue_;
    std::vector<myq_message> messages_;
    std::vector<myq_outcome> outcomes_;
    std::vector<std::array<char, 33>> ids_;
    std::vector<const myq_message*> message_list_;
    std::vector<myq_outcome*> outcome_list_;
};

}  // namespace myq
