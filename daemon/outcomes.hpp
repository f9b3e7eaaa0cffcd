#pragma once

#include "config/config.hpp"
#include "daemon/confirmations.hpp"
#include "daemon/due_bell.hpp"
#include "daemon/in_hand.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/log_pace.hpp"
#include "daemon/retry_delay.hpp"
#include "daemon/slot.hpp"

#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace myq {

// The one place that settles what became of a message other than `done`: writes it to the journal,
// then empties the slot. A write happens once, however often the worker is killed over it: the slot
// and its sequence number are on record with it.
//
// Each function returns false if this process was asked to stop while the journal could not be
// written: the message stays in the slot, for whoever comes next.
class Outcomes {
public:
    // The references must outlive the object.
    Outcomes(const QueueConfig& queue, Slot& slot, JournalAccess& journal, const DueBell& bell);

    // An attempt failed: tried again after `delay`, or when the policy says, or dead after the
    // last.
    bool failed(const InHand& message, std::size_t tally_row, const RetryConfig& policy,
                const std::string& cause, std::optional<std::chrono::milliseconds> delay);

    // No further attempt can help.
    bool dead(const InHand& message, std::size_t tally_row, const std::string& reason);

    // Its envelope cannot be understood: dead, and the sender is told if it asked and can be.
    bool broken(const InHand& message, std::size_t tally_row);

    // Its sender wants it in the journal; see InHand::wish.
    bool journaled(const Envelope& wish, std::size_t tally_row);

    // The daemon stops for longer than a slot can keep a message.
    bool shelved(const InHand& message, std::size_t tally_row);

    // "queue jobs: message of type 7, 12 bytes"
    std::string describe(const InHand& message) const;

private:
    bool write(const InHand& message, const NewMessage& as, std::string_view reason);
    bool admit(const NewMessage& message, const std::optional<ConfirmAddress>& confirm,
               ConfirmStatus& status);
    void answer(const std::optional<ConfirmAddress>& asker, ConfirmStatus status);
    std::vector<Attempt> history() const;
    std::string held_back() const;

    const QueueConfig& queue_;
    Slot& slot_;
    JournalAccess& journal_;
    const DueBell& bell_;
    Survives survives_;
    Confirmations confirmations_;
    LogPace pace_;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace myq
