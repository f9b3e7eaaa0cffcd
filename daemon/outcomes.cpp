#include "daemon/outcomes.hpp"

#include "config/duration.hpp"
#include "daemon/unix/clock.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace myq {

namespace {

// Rolls the transaction back, and its ticket with it: asked again, the answer is the same.
struct Duplicate {};

}  // namespace

Outcomes::Outcomes(const QueueConfig& queue, Slot& slot, JournalAccess& journal,
                   const DueBell& bell, Keeps keeps)
    : queue_(queue),
      slot_(slot),
      journal_(journal),
      bell_(bell),
      keeps_(keeps),
      survives_(queue.durability == QueueConfig::Durability::journal ? Survives::power_cut
                                                                     : Survives::kill),
      replies_(queue.max_body) {}

bool Outcomes::settle_written(std::size_t tally_row) {
    const std::optional<Tally> tally = slot_.to_become();
    if (!tally) return true;
    bool is_written = false;
    const auto look = [&](Journal& journal) {
        is_written = journal.is_recorded({slot_.identity(), slot_.sequence()});
    };
    if (!journal_.insist(look)) return false;
    if (!is_written) return true;
    if (*tally == Tally::died) {
        // Whoever waits may have been told already, and is told again: that does no harm.
        const std::vector<Attempt> failures = history();
        tell_dead(take_in_hand(slot_),
                  failures.empty() ? "see the log of myqd" : failures.back().cause);
    }
    slot_.settle(*tally, tally_row);
    bell_.announce(DueBell::at_once);
    return true;
}

bool Outcomes::failed(const InHand& message, std::size_t tally_row, const RetryConfig& policy,
                      const std::string& cause, std::optional<std::chrono::milliseconds> delay,
                      std::string_view autopsy) {
    const std::uint32_t attempts = slot_.attempts();
    const std::string what = describe(message);
    slot_.note_failure(wall_clock_ms(), cause);
    if (attempts >= static_cast<std::uint32_t>(policy.attempts)) {
        return dead(message, tally_row,
                    fmt::format("{} attempt{}; the last one: {}", attempts,
                                attempts == 1 ? "" : "s", cause),
                    autopsy);
    }
    std::uniform_real_distribution<double> chance(-1, 1);
    const auto wait = delay.value_or(retry_delay(policy, attempts, chance(random_)));
    NewMessage as;
    as.autopsy = autopsy;
    as.due_ms = wall_clock_ms() + wait.count();
    if (!write(message, as, {})) return false;
    replies_.tell(message.reply, message.id, Reply::Status::retrying, cause, attempts,
                  static_cast<std::uint64_t>(as.due_ms));
    slot_.settle(Tally::retried, tally_row);
    bell_.announce(as.due_ms);
    if (pace_.allows(monotonic_ns())) {
        spdlog::warn("{}: attempt {} of {} failed: {}; the next is due in {}{}", what, attempts,
                     policy.attempts, cause, duration_text(wait), held_back());
    }
    return true;
}

bool Outcomes::dead(const InHand& message, std::size_t tally_row, const std::string& reason,
                    std::string_view autopsy) {
    const std::string what = describe(message);
    if (!bury(message, reason, autopsy)) return false;
    tell_dead(message, reason);
    settle_dead(what, reason, tally_row);
    return true;
}

// Its caller; and who waits for a confirmation, if it could not be understood.
void Outcomes::tell_dead(const InHand& message, const std::string& reason) {
    answer(message.asker, ConfirmStatus::broken);
    replies_.tell(message.reply, message.id, Reply::Status::dead, reason);
}

bool Outcomes::rejected(const InHand& message, std::size_t tally_row, const char* plugin,
                        const std::string& reason) {
    const std::string what = describe(message);
    const std::string why = fmt::format("plugin {} rejects it: {}", plugin, reason);
    slot_.note_failure(wall_clock_ms(), reason);
    if (!bury(message, why, {})) return false;
    replies_.end_with_reply(Reply::Status::rejected, reason);
    settle_dead(what, why, tally_row);
    return true;
}

void Outcomes::expired(const InHand& message, std::size_t tally_row) {
    replies_.tell(message.reply, message.id, Reply::Status::expired,
                  "its time was over before it was handled");
    slot_.settle(Tally::expired, tally_row);
}

bool Outcomes::bury(const InHand& message, const std::string& reason, std::string_view autopsy) {
    NewMessage as;
    as.autopsy = autopsy;
    as.dead = true;
    return write(message, as, reason);
}

void Outcomes::settle_dead(const std::string& what, const std::string& reason,
                           std::size_t tally_row) {
    slot_.settle(Tally::died, tally_row);
    if (pace_.allows(monotonic_ns())) {
        spdlog::error("{} is dead: {}{}{}", what, reason,
                      keeps_ == Keeps::the_dead ? "; see 'myq dead list'" : "", held_back());
    }
}

bool Outcomes::shelved(const InHand& message, std::size_t tally_row) {
    if (slot_.attempts() > 0) {
        slot_.note_failure(wall_clock_ms(), "the daemon was stopped before it was done");
    }
    if (!write(message, {}, {})) return false;
    slot_.settle(Tally::retried, tally_row);
    return true;
}

// A row that is there already is changed, a message of the kernel queue becomes one.
bool Outcomes::write(const InHand& message, const NewMessage& as, std::string_view reason) {
    const std::vector<Attempt> failures = history();
    slot_.will_become(as.dead ? Tally::died : Tally::retried);
    return journal_.insist([&](Journal& journal) {
        // A large body is let in like a new message; until then it stays where it is.
        const bool is_new =
            message.blob && !journal.is_recorded({slot_.identity(), slot_.sequence()});
        // A change of a row that is lost in a power cut is an attempt more.
        const auto survives = slot_.row() != 0 ? Survives::kill : survives_;
        const auto change = [&] {
            if (journal.is_repeated({slot_.identity(), slot_.sequence()})) return;
            if (slot_.row() == 0) {
                NewMessage row = as;
                row.type = slot_.type();
                row.body = message.body;
                row.id = message.id;
                row.expires_ms = message.expires_ms;
                row.reply = message.reply;
                row.attempts = slot_.attempts();
                row.reason = reason;
                row.history = failures;
                journal.insert(journal.queue_number(queue_.name), row);
            } else if (as.dead) {
                journal.bury(slot_.row(), slot_.attempts(), reason, failures, as.autopsy);
            } else {
                journal.defer(slot_.row(), slot_.attempts(), as.due_ms, failures, as.autopsy);
            }
        };
        journal.transact(survives, change, is_new, message.body.size());
    });
}

bool Outcomes::broken(const InHand& message, std::size_t tally_row) {
    const char* what = message.blob ? "blob" : message.is_in_row ? "row" : "envelope";
    return dead(message, tally_row, fmt::format("broken {}: {}", what, message.broken));
}

void Outcomes::answer(const std::optional<ConfirmAddress>& asker, ConfirmStatus status) {
    if (!asker) return;
    confirmations_.add(*asker, status);
    confirmations_.send();
}

bool Outcomes::journaled(const Envelope& wish, std::size_t tally_row) {
    const std::int64_t now = wall_clock_ms();
    NewMessage row;
    row.type = slot_.type();
    row.body = wish.body;
    row.id = wish.id;
    row.due_ms = due_time(wish, now);
    row.expires_ms = wish.expires_ms;
    row.unique_key = wish.unique_key;
    row.reply = wish.reply;
    ConfirmStatus status = ConfirmStatus::accepted;
    if (!admit(row, wish.confirm, status)) return false;
    answer(wish.confirm, status);
    const bool is_taken = status == ConfirmStatus::accepted;
    if (!is_taken) {
        replies_.tell(wish.reply, wish.id, Reply::Status::refused, why_refused(status));
    }
    // A journal that failed may have taken it all the same: then it counts when it is handled.
    const bool is_refused = !is_taken && status != ConfirmStatus::failed;
    slot_.settle(is_refused ? Tally::refused : Tally::journaled, tally_row);
    if (is_taken) bell_.announce(row.due_ms);
    return true;
}

// Who waits for a confirmation is told when it cannot be had; for the others the journal must work
// again first.
bool Outcomes::admit(const NewMessage& message, const std::optional<ConfirmAddress>& confirm,
                     ConfirmStatus& status) {
    const auto insert_once = [&](Journal& journal) {
        if (journal.is_repeated({slot_.identity(), slot_.sequence()})) return;
        const auto inserted = journal.insert(journal.queue_number(queue_.name), message);
        if (inserted == Inserted::duplicate) throw Duplicate{};
    };
    const auto insert = [&](Journal& journal) {
        // What was written before its worker was killed is there, however full it is now.
        const bool is_new = !journal.is_recorded({slot_.identity(), slot_.sequence()});
        try {
            journal.transact(
                Survives::power_cut, [&] { insert_once(journal); }, is_new, message.body.size());
            status = ConfirmStatus::accepted;
        } catch (const Duplicate&) {
            status = ConfirmStatus::duplicate;
        }
    };
    if (!confirm) return journal_.insist(insert);
    try {
        journal_.use(insert);
        journal_.all_is_well();
    } catch (const JournalError& e) {
        journal_.complain(e);
        status = e.kind() == JournalError::Kind::full ? ConfirmStatus::full : ConfirmStatus::failed;
    }
    return true;
}

std::vector<Attempt> Outcomes::history() const {
    std::vector<Attempt> attempts;
    for (const SlotFailure& failed : slot_.failures()) {
        attempts.push_back(
            {failed.attempt, failed.at_ms, std::string(failed.cause.data(), failed.cause_size)});
    }
    return attempts;
}

std::string Outcomes::describe(const InHand& message) const {
    const std::uint64_t size = message.blob        ? message.blob->size
                               : message.is_in_row ? slot_.large_size()
                                                   : slot_.body().size();
    return fmt::format("queue {}: message of type {}, {} bytes", queue_.name, slot_.type(), size);
}

std::string Outcomes::held_back() const {
    return pace_.held_back() == 0 ? "" : fmt::format(" ({} more like this)", pace_.held_back());
}

}  // namespace myq
