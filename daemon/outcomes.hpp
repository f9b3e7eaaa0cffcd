#pragma once

#include "config/config.hpp"
#include "daemon/confirmations.hpp"
#include "daemon/due_bell.hpp"
#include "daemon/in_hand.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/log_pace.hpp"
#include "daemon/refusals.hpp"
#include "daemon/replies.hpp"
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
// A journal without room for a message makes nobody wait: what its sender wants put there is
// refused; what is dead before any handler had it is not kept; and of what a handler had, at least
// everything but a large body is kept.
//
// Each function returns false if this process was asked to stop while the journal could not be
// written: the message stays in the slot, for whoever comes next.
class Outcomes {
public:
    // Where a dead message can be found again: of a trial, which keeps nothing, nowhere.
    enum class Keeps : bool { nothing, the_dead };

    // The references must outlive the object.
    Outcomes(const QueueConfig& queue, Slot& slot, JournalAccess& journal, const DueBell& bell,
             Keeps keeps = Keeps::the_dead);

    // What the last worker, who could not write the journal, decided for the message in the slot.
    bool carry_out(const SlotVerdict& verdict, const InHand& message, std::size_t tally_row,
                   const RetryConfig& policy, std::string_view autopsy);

    // The last worker may have been killed between its write and the acknowledgement: then the slot
    // is empty after this.
    bool settle_written(std::size_t tally_row);

    // An attempt failed: tried again after `delay`, or when the policy says, or dead after the
    // last.
    // `autopsy` is what is known of its end, if it killed its worker.
    bool failed(const InHand& message, std::size_t tally_row, const RetryConfig& policy,
                const std::string& cause, std::optional<std::chrono::milliseconds> delay,
                std::string_view autopsy = {});

    // No further attempt can help: nobody takes it, or its handler says so.
    bool dead(const InHand& message, std::size_t tally_row, const std::string& reason,
              std::string_view autopsy = {});
    bool rejected(const InHand& message, std::size_t tally_row, const char* plugin,
                  const std::string& reason);
    // Its time was over before it was handled.
    void expired(const InHand& message, std::size_t tally_row);

    // Its envelope cannot be understood: dead, and the sender is told if it asked and can be.
    bool broken(const InHand& message, std::size_t tally_row);

    // Its sender wants it in the journal: it has a wish.
    bool journaled(const InHand& message, std::size_t tally_row);

    // The daemon stops for longer than a slot can keep a message.
    bool shelved(const InHand& message, std::size_t tally_row);

    // What callers are told, also while a handler is at work.
    Replies& replies() { return replies_; }

    // "queue jobs: message of type 7, 12 bytes"
    std::string describe(const InHand& message) const;

private:
    // How much of a message the journal had room for.
    enum class Kept { all, without_body, nothing };

    // nullopt if it must stay in the slot.
    std::optional<Kept> write(const InHand& message, const NewMessage& as, std::string_view reason);
    Kept insert(Journal& journal, NewMessage row, const InHand& message);
    Kept insert_what_fits(Journal& journal, NewMessage row, const InHand& message);
    std::optional<Kept> bury(const InHand& message, const std::string& reason,
                             std::string_view autopsy);
    struct NextAttempt {
        std::int64_t due_ms;
        std::chrono::milliseconds wait;  // until then, from when it failed
    };
    bool put_off(const InHand& message, std::size_t tally_row, const RetryConfig& policy,
                 const NextAttempt& next, const std::string& cause, std::string_view autopsy);
    void tell_dead(const InHand& message, const std::string& reason);
    void settle_dead(const std::string& what, const std::string& reason, Kept kept,
                     std::size_t tally_row);
    bool grant(const Envelope& wish, const NewMessage& message, ConfirmStatus& status);
    void insert_once(Journal& journal, const NewMessage& message);
    void answer(const std::optional<ConfirmAddress>& asker, ConfirmStatus status);
    std::vector<Attempt> history() const;

    const QueueConfig& queue_;
    Slot& slot_;
    JournalAccess& journal_;
    const DueBell& bell_;
    Keeps keeps_;
    Survives survives_;
    Confirmations confirmations_;
    Replies replies_;
    LogPace pace_;
    Refusals refusals_;
    std::string no_room_;  // why not all of the last message was kept
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace myq
