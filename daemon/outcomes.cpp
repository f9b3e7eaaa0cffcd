#include "daemon/outcomes.hpp"

#include "config/duration.hpp"
#include "daemon/unix/clock.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace myq {

Outcomes::Outcomes(const QueueConfig& queue, Slot& slot, JournalAccess& journal,
                   const DueBell& bell, Keeps keeps)
    : queue_(queue),
      slot_(slot),
      journal_(journal),
      bell_(bell),
      keeps_(keeps),
      survives_(queue.durability == QueueConfig::Durability::journal ? Survives::power_cut
                                                                     : Survives::kill),
      replies_(queue.max_body),
      refusals_(queue.name) {}

bool Outcomes::settle_written(std::size_t tally_row) {
    const std::optional<Tally> tally = slot_.to_become();
    if (!tally || journal_.is_closed()) return true;
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
    slot_.note_failure(wall_clock_ms(), cause);
    if (attempts >= static_cast<std::uint32_t>(policy.attempts)) {
        return dead(message, tally_row,
                    fmt::format("{} attempt{}; the last one: {}", attempts,
                                attempts == 1 ? "" : "s", cause),
                    autopsy);
    }
    std::uniform_real_distribution<double> chance(-1, 1);
    const auto wait = delay.value_or(retry_delay(policy, attempts, chance(random_)));
    const std::int64_t due_ms = wall_clock_ms() + wait.count();
    if (journal_.is_closed()) {
        slot_.leave_verdict(SlotVerdict::Kind::retried, due_ms, !autopsy.empty(), cause);
        return false;
    }
    return put_off(message, tally_row, policy, {due_ms, wait}, cause, autopsy);
}

bool Outcomes::put_off(const InHand& message, std::size_t tally_row, const RetryConfig& policy,
                       const NextAttempt& next, const std::string& cause,
                       std::string_view autopsy) {
    const std::uint32_t attempts = slot_.attempts();
    const std::string what = describe(message);
    NewMessage as;
    as.autopsy = autopsy;
    as.due_ms = next.due_ms;
    const auto kept = write(message, as, {});
    if (!kept) return false;
    if (*kept != Kept::all) {
        tell_dead(message, cause);
        settle_dead(what, cause, *kept, tally_row);
        return true;
    }
    replies_.tell(message.reply, message.id, Reply::Status::retrying, cause, attempts,
                  static_cast<std::uint64_t>(next.due_ms));
    slot_.settle(Tally::retried, tally_row);
    bell_.announce(next.due_ms);
    if (pace_.allows(monotonic_ns())) {
        spdlog::warn("{}: attempt {} of {} failed: {}; the next is due in {}{}", what, attempts,
                     policy.attempts, cause, duration_text(next.wait), pace_.held_back_text());
    }
    return true;
}

bool Outcomes::carry_out(const SlotVerdict& verdict, const InHand& message, std::size_t tally_row,
                         const RetryConfig& policy, std::string_view autopsy) {
    const std::string reason(verdict.reason.data(), verdict.reason_size);
    if (verdict.kind == SlotVerdict::Kind::retried) {
        const std::chrono::milliseconds wait{
            std::max<std::int64_t>(verdict.due_ms - wall_clock_ms(), 0)};
        return put_off(message, tally_row, policy, {verdict.due_ms, wait}, reason, autopsy);
    }
    if (verdict.kind == SlotVerdict::Kind::dead) return dead(message, tally_row, reason, autopsy);
    const std::string what = describe(message);
    const auto kept = bury(message, reason, autopsy);
    if (!kept) return false;
    replies_.tell(message.reply, message.id, Reply::Status::rejected, reason);
    settle_dead(what, reason, *kept, tally_row);
    return true;
}

bool Outcomes::dead(const InHand& message, std::size_t tally_row, const std::string& reason,
                    std::string_view autopsy) {
    if (journal_.is_closed()) {
        slot_.leave_verdict(SlotVerdict::Kind::dead, 0, !autopsy.empty(), reason);
        return false;
    }
    const std::string what = describe(message);
    const auto kept = bury(message, reason, autopsy);
    if (!kept) return false;
    tell_dead(message, reason);
    settle_dead(what, reason, *kept, tally_row);
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
    if (journal_.is_closed()) {
        slot_.leave_verdict(SlotVerdict::Kind::rejected, 0, false, why);
        return false;
    }
    const auto kept = bury(message, why, {});
    if (!kept) return false;
    replies_.end_with_reply(Reply::Status::rejected, reason);
    settle_dead(what, why, *kept, tally_row);
    return true;
}

void Outcomes::expired(const InHand& message, std::size_t tally_row) {
    replies_.tell(message.reply, message.id, Reply::Status::expired,
                  "its time was over before it was handled");
    slot_.settle(Tally::expired, tally_row);
}

std::optional<Outcomes::Kept> Outcomes::bury(const InHand& message, const std::string& reason,
                                             std::string_view autopsy) {
    NewMessage as;
    as.autopsy = autopsy;
    as.dead = true;
    return write(message, as, reason);
}

void Outcomes::settle_dead(const std::string& what, const std::string& reason, Kept kept,
                           std::size_t tally_row) {
    slot_.settle(kept == Kept::nothing ? Tally::refused : Tally::died, tally_row);
    if (!pace_.allows(monotonic_ns())) return;
    const std::string lost = kept == Kept::all       ? ""
                             : kept == Kept::nothing ? "; it is not kept: " + no_room_
                                                     : "; its body is not kept: " + no_room_;
    const bool is_there = keeps_ == Keeps::the_dead && kept != Kept::nothing;
    spdlog::error("{} is dead: {}{}{}{}", what, reason, lost,
                  is_there ? "; see 'myq dead list'" : "", pace_.held_back_text());
}

bool Outcomes::shelved(const InHand& message, std::size_t tally_row) {
    if (slot_.attempts() > 0) {
        slot_.note_failure(wall_clock_ms(), "the daemon was stopped before it was done");
    }
    if (!write(message, {}, {})) return false;
    slot_.settle(Tally::retried, tally_row);
    return true;
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

bool Outcomes::journaled(const InHand& message, std::size_t tally_row) {
    if (journal_.is_closed()) return false;
    const Envelope& wish = *message.wish;
    const std::int64_t now = wall_clock_ms();
    if (const char* why = why_not_keyed(wish, now, queue_.max_keyed_delay))
        return dead(message, tally_row, fmt::format("broken envelope: {}", why));
    NewMessage row;
    row.type = slot_.type();
    row.body = wish.body;
    row.id = wish.id;
    row.due_ms = due_time(wish, now);
    row.expires_ms = wish.expires_ms;
    row.unique_key = wish.unique_key;
    row.reply = wish.reply;
    ConfirmStatus status = ConfirmStatus::accepted;
    if (!grant(wish, row, status)) return false;
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

}  // namespace myq
