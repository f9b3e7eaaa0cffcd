#include "daemon/journal_source.hpp"

#include "daemon/unix/clock.hpp"
#include "daemon/unix/signals.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace myq {

namespace {

// Rows that one worker has claimed are rows that no other can take meanwhile: as many as are worth
// about this much time.
constexpr std::int64_t batch_time_ns = 20'000'000;
// How long a worker on demand lingers: what is about to be due needs no other worker then.
constexpr std::int64_t linger_ms = 200;
constexpr std::int64_t longest_wait_ms = 60'000;
// Of a worker that claims once, the rows that others cannot take meanwhile. At most
// Slot::most_done.
constexpr std::size_t most_claimed_once = 32;
constexpr std::int64_t rest_ms = 1'000;  // after the journal failed

SlotReply slot_reply(const std::optional<ReplyAddress>& address) {
    if (!address) return {};
    return {address->queue_id, address->token, address->sequence};
}

// Ends the rows that are over, and forgets them.
void finish_done(Slot& slot, Journal& journal) {
    journal.finish(slot.done_rows());
}

}  // namespace

JournalSource::JournalSource(const QueueConfig& queue, Selector types, Stay stay,
                             JournalAccess& journal, const DueBell& bell)
    : queue_(queue),
      types_(types),
      stay_(stay),
      journal_(journal),
      bell_(bell) {}

Fetch JournalSource::fetch(Slot& slot) {
    if (next_ == claimed_.size()) {
        if (claims_once_) return end_of_claim();
        try {
            claim(slot);
            journal_.all_is_well();
        } catch (const JournalError& e) {
            journal_.complain(e);
            JournalAccess::pause();
            return Fetch::interrupted;
        }
        if (claimed_.empty()) return wait_for_more();
    }
    const Claimed& next = claimed_[next_];
    if (next.body.size() != next.size || next.size > slot.body_capacity()) {
        slot.load_large(next.row, next.type, next.attempts, next.id, next.expires_ms, next.size,
                        next.reply);
    } else {
        slot.load(next.row, next.type, next.attempts, next.id, next.expires_ms, next.body,
                  next.reply);
    }
    ++next_;
    ++calls_;
    return Fetch::message;
}

bool JournalSource::fetch_more(Slot& slot) {
    takes_many_ = true;
    if (next_ == claimed_.size()) return false;
    const Claimed& next = claimed_[next_];
    const bool is_fit = next.attempts == 0 && next.reply.token == 0 &&
                        next.body.size() == next.size && next.size <= slot.body_capacity();
    if (!is_fit || !slot.handful().load(next.row, next.type, next.id, next.expires_ms, next.body))
        return false;
    ++next_;
    return true;
}

void JournalSource::claim_once(Slot& slot) {
    batch_ = most_claimed_once;
    rings_ = bell_.rings();
    bell_.take();
    next_due_ms_ = wall_clock_ms() + rest_ms;  // unless it can be read
    try {
        claim(slot);
        journal_.use([&](Journal& journal) {
            next_due_ms_ = journal.next_due(queue_.name, types_).value_or(DueBell::never);
        });
        journal_.all_is_well();
    } catch (const JournalError& e) {
        journal_.complain(e);
    }
    claims_once_ = true;
}

// With what was claimed done, or news of more, it is the turn of a successor, who can claim it.
Fetch JournalSource::end_of_claim() {
    const bool is_soon = next_due_ms_ <= wall_clock_ms() + linger_ms;
    const bool may_wait = stay_ == Stay::for_good || is_soon;
    if (claimed_.empty() && may_wait) wait(rings_, next_due_ms_);
    return Fetch::finished;
}

// One transaction ends the rows of the last batch and claims the next.
void JournalSource::claim(Slot& slot) {
    adapt_batch();
    claimed_.clear();
    next_ = 0;
    calls_ = 0;
    takes_many_ = false;
    slot.hold_claims(true);
    std::vector<Claimed> taken;
    journal_.use([&](Journal& journal) {
        journal.transact(Survives::kill, [&] {
            finish_done(slot, journal);
            const std::int64_t number = journal.queue_number(queue_.name);
            journal.claim(number, types_, slot.identity(), wall_clock_ms(), batch_,
                          [&](const DueMessage& due) {
                              taken.push_back({due.row,
                                               due.type,
                                               due.attempts,
                                               due.id.bytes,
                                               due.expires_ms.value_or(0),
                                               due.size,
                                               {due.body.begin(), due.body.end()},
                                               slot_reply(due.reply)});
                          });
        });
    });
    slot.forget_done_rows();
    slot.hold_claims(!taken.empty());
    claimed_ = std::move(taken);
    claimed_at_ns_ = monotonic_ns();
    // There may be more than that, and others who could do it.
    if (claimed_.size() == batch_ && stay_ == Stay::for_good) bell_.announce(DueBell::at_once);
}

void JournalSource::adapt_batch() {
    if (claimed_.empty()) return;
    // Where one call dealt with all of them, more of them would hardly have taken longer.
    const bool is_fast = monotonic_ns() - claimed_at_ns_ < batch_time_ns;
    const bool is_one_call = takes_many_ && calls_ == 1;
    batch_ = is_fast || is_one_call ? std::min(batch_ * 2, Slot::most_done) : std::size_t{1};
}

Fetch JournalSource::wait_for_more() {
    std::int64_t due = DueBell::never;
    const std::uint32_t rings = bell_.rings();
    bell_.take();
    try {
        journal_.use([&](Journal& journal) {
            due = journal.next_due(queue_.name, types_).value_or(DueBell::never);
        });
    } catch (const JournalError& e) {
        bell_.announce(DueBell::at_once);
        journal_.complain(e);
        JournalAccess::pause();
        return Fetch::interrupted;
    }
    if (stay_ == Stay::for_good || due <= wall_clock_ms() + linger_ms) {
        wait(rings, due);
        return Fetch::interrupted;
    }
    if (due != DueBell::never) bell_.announce(due);
    is_finished_ = true;
    return Fetch::finished;
}

void JournalSource::wait(std::uint32_t rings, std::int64_t due_ms) const {
    std::optional<std::chrono::milliseconds> patience;
    if (due_ms != DueBell::never) {
        patience = std::chrono::milliseconds{
            std::clamp<std::int64_t>(due_ms - wall_clock_ms(), 0, longest_wait_ms)};
    }
    bell_.wait(rings, patience);
}

void JournalSource::leave(Slot& slot) {
    if (claims_once_) {
        // A worker that is there for good has a successor without a ring.
        const bool is_all = claimed_.empty() && next_due_ms_ > wall_clock_ms();
        if (stay_ == Stay::while_needed) bell_.announce(is_all ? next_due_ms_ : DueBell::at_once);
        return;
    }
    claimed_.clear();
    next_ = 0;
    if (slot.holds_claims()) settle_claims(slot, journal_);
    // Asked to leave before it had looked, or with rows in hand: others must look.
    if (!is_finished_) bell_.announce(DueBell::at_once);
}

bool JournalSource::settle_claims(Slot& slot, JournalAccess& journal) {
    const auto settle = [&](Journal& open) {
        open.transact(Survives::kill, [&] {
            finish_done(slot, open);
            for (const std::int64_t row : open.claimed(slot.identity())) {
                const bool is_in_hand = slot.occupied() && row == slot.row();
                if (!is_in_hand && !slot.handful().holds_row(row)) open.release(row);
            }
        });
    };
    if (!journal.insist(settle)) return false;
    slot.forget_done_rows();
    slot.hold_claims((slot.occupied() && slot.row() != 0) || slot.handful().holds_rows());
    return true;
}

}  // namespace myq
