#include "daemon/outcomes.hpp"
#include "daemon/unix/clock.hpp"

#include <fmt/format.h>

// How messages become rows of the journal, and what happens where there is no room.
namespace myq {

namespace {

// Rolls the transaction back, and its ticket with it: asked again, the answer is the same.
struct Duplicate {};

// Why there is no room for it, "" if there is.
std::string why_not(Journal& journal, std::int64_t queue, RowFor purpose, std::uint64_t bytes) {
    try {
        journal.admit(queue, purpose, bytes);
        return {};
    } catch (const JournalError& e) {
        if (e.kind() != JournalError::Kind::full) throw;
        return e.what();
    }
}

}  // namespace

// A row that is there already is changed, a message of the kernel queue becomes one.
std::optional<Outcomes::Kept> Outcomes::write(const InHand& message, const NewMessage& as,
                                              std::string_view reason) {
    const std::vector<Attempt> failures = history();
    slot_.will_become(as.dead ? Tally::died : Tally::retried);
    Kept kept = Kept::all;
    const auto change = [&](Journal& journal) {
        if (journal.is_repeated({slot_.identity(), slot_.sequence()})) return;
        if (slot_.row() == 0) {
            NewMessage row = as;
            row.type = slot_.type();
            row.body = message.body;
            row.id = message.id;
            row.expires_ms = message.expires_ms;
            row.reply = message.reply;
            if (message.wish) row.unique_key = message.wish->unique_key;
            row.attempts = slot_.attempts();
            row.reason = reason;
            row.history = failures;
            kept = insert(journal, row, message);
        } else if (as.dead) {
            journal.bury(slot_.row(), slot_.attempts(), reason, failures, as.autopsy);
        } else {
            journal.defer(slot_.row(), slot_.attempts(), as.due_ms, failures, as.autopsy);
        }
    };
    // A change of a row that is lost in a power cut is an attempt more.
    const auto survives = slot_.row() != 0 ? Survives::kill : survives_;
    const bool is_written = journal_.insist(
        [&](Journal& journal) { journal.transact(survives, [&] { change(journal); }); });
    if (!is_written) return std::nullopt;
    return kept;
}

// A small body that a handler had always finds room. A large one does not, and neither does what
// can be sent by the thousand without any handler's doing.
Outcomes::Kept Outcomes::insert(Journal& journal, NewMessage row, const InHand& message) {
    const std::int64_t queue = journal.queue_number(queue_.name);
    const bool is_large = message.blob && row.body.size() > slot_.body().size();
    const bool is_shelved = !row.dead && row.due_ms == 0;
    if (is_shelved) {
        // Nothing is wrong with it: without room it stays where it is.
        if (is_large) journal.admit(queue, RowFor::work, row.body.size());
    } else if (is_large || (row.dead && row.attempts == 0)) {
        no_room_ = why_not(journal, queue, RowFor::keeps, row.body.size());
        if (!no_room_.empty()) return insert_what_fits(journal, row, message);
    }
    journal.insert(queue, row);
    return Kept::all;
}

Outcomes::Kept Outcomes::insert_what_fits(Journal& journal, NewMessage row, const InHand& message) {
    const std::int64_t queue = journal.queue_number(queue_.name);
    const std::span<const std::byte> envelope = slot_.body();
    const bool is_there_less = message.blob && row.body.size() > envelope.size();
    if (!is_there_less ||
        (row.attempts == 0 && !why_not(journal, queue, RowFor::keeps, envelope.size()).empty())) {
        slot_.will_become(Tally::refused);
        return Kept::nothing;
    }
    const std::string why = row.reason.empty() && !row.history.empty() ? row.history.back().cause
                                                                       : std::string(row.reason);
    const std::string reason =
        fmt::format("{}; its body of {} bytes is not kept: {}", why, row.body.size(), no_room_);
    row.body = envelope;
    row.dead = true;
    row.due_ms = 0;
    row.reason = reason;
    journal.insert(queue, row);
    slot_.will_become(Tally::died);
    return Kept::without_body;
}

// Without room it is refused: who waits for a confirmation is told, and the others must not wait
// for what one sender puts off. For those the journal must only work again.
bool Outcomes::grant(const Envelope& wish, const NewMessage& message, ConfirmStatus& status) {
    const auto insert = [&](Journal& journal) {
        try {
            journal.transact(Survives::power_cut, [&] { insert_once(journal, message); });
            status = ConfirmStatus::accepted;
        } catch (const Duplicate&) {
            status = ConfirmStatus::duplicate;
        } catch (const JournalError& e) {
            if (e.kind() != JournalError::Kind::full) throw;
            status = ConfirmStatus::full;
            no_room_ = e.what();
        }
    };
    if (wish.confirm) {
        try {
            journal_.use(insert);
            journal_.all_is_well();
        } catch (const JournalError& e) {
            journal_.complain(e);
            status = ConfirmStatus::failed;
        }
    } else if (!journal_.insist(insert)) {
        return false;
    }
    if (status == ConfirmStatus::accepted) refusals_.taken();
    if (status == ConfirmStatus::full)
        refusals_.refused(slot_.type(), message.body.size(), no_room_);
    return true;
}

void Outcomes::insert_once(Journal& journal, const NewMessage& message) {
    if (journal.is_repeated({slot_.identity(), slot_.sequence()})) return;
    const std::int64_t queue = journal.queue_number(queue_.name);
    const RowFor purpose = message.due_ms > 0 ? RowFor::later : RowFor::work;
    journal.admit(queue, purpose, message.body.size());
    if (journal.insert(queue, message) == Inserted::duplicate) throw Duplicate{};
}

}  // namespace myq
