#include "daemon/batch_writer.hpp"

#include "daemon/in_hand.hpp"
#include "daemon/unix/clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

namespace myq {

// What the envelope asks for. Returns why it is dead, "" if it is not.
std::string BatchWriter::open(std::span<const std::byte> bytes, std::int64_t now, NewMessage& row,
                              std::optional<BlobReference>& blob) const {
    if (!is_envelope(bytes)) return {};
    Envelope envelope;
    const EnvelopeError error = decode_envelope(bytes, envelope);
    std::string reason = why_broken(error, envelope, now);
    if (error != EnvelopeError::none || is_answer(envelope.kind)) return reason;
    blob = envelope.blob;
    if (!blob) row.body = envelope.body;
    row.id = envelope.id;
    row.due_ms = due_time(envelope, now);
    row.expires_ms = envelope.expires_ms;
    row.unique_key = envelope.unique_key;
    row.reply = envelope.reply;
    return reason;
}

void BatchWriter::write(const Batch& batch, Journal& journal) {
    earliest_due_ = DueBell::never;
    if (journal.is_repeated({slot_.identity(), batch.sequence()})) {
        earliest_due_ = DueBell::at_once;
        return;
    }
    const std::int64_t number = journal.queue_number(queue_.name);
    const std::int64_t now = wall_clock_ms();
    for (const Batch::Message& message : batch.messages()) {
        if (message.head->refused == 0)
            message.head->status = insert(journal, number, message, now);
    }
}

ConfirmStatus BatchWriter::insert(Journal& journal, std::int64_t number,
                                  const Batch::Message& message, std::int64_t now) {
    NewMessage row;
    row.type = message.type;
    row.body = message.body;
    std::optional<BlobReference> blob;
    std::string reason = open(message.body, now, row, blob);
    row.dead = !reason.empty();
    row.reason = reason;
    const bool is_large = blob && blob->size <= queue_.max_body;
    if (!is_admitted(journal, number, row, is_large ? blob->size : row.body.size()))
        return row.dead ? ConfirmStatus::broken : ConfirmStatus::full;
    if (blob) {
        if (const char* broken = fetch(message, *blob)) {
            reason = fmt::format("broken blob: {}", broken);
            row.dead = true;
            row.reason = reason;
        } else {
            row.body = blob_.body();
        }
    }
    const Inserted inserted = journal.insert(number, row);
    blob_.let_go();  // its segment must not outlive its removal
    if (row.dead) return ConfirmStatus::broken;
    if (inserted == Inserted::duplicate) return ConfirmStatus::duplicate;
    earliest_due_ = std::min(earliest_due_, row.due_ms);
    return ConfirmStatus::accepted;
}

bool BatchWriter::is_admitted(Journal& journal, std::int64_t number, const NewMessage& row,
                              std::uint64_t size) {
    const RowFor purpose = row.dead ? RowFor::keeps : row.due_ms > 0 ? RowFor::later : RowFor::work;
    try {
        journal.admit(number, purpose, size);
        if (purpose != RowFor::work) refusals_.taken();
        return true;
    } catch (const JournalError& e) {
        if (e.kind() != JournalError::Kind::full || purpose == RowFor::work) throw;
        refusals_.refused(row.type, size,
                          fmt::format("{}{}{}", row.reason, row.dead ? "; " : "", e.what()));
        return false;
    }
}

// As BlobBody::take(), but not again and again if intakes are killed over it.
const char* BatchWriter::fetch(const Batch::Message& message, const BlobReference& blob) {
    std::uint16_t& fetches = message.head->fetches;
    if (fetches >= queue_.retry.attempts) return blob_.refuse(killed_in_fetch);
    fetches = static_cast<std::uint16_t>(fetches + 1);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const char* const broken = blob_.take(blob);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    fetches = 0;
    return broken;
}

void BatchWriter::count_refused(const Batch& batch) {
    for (const Batch::Message& message : batch.messages()) {
        const ConfirmStatus status = message.head->status;
        if (status == ConfirmStatus::full || status == ConfirmStatus::duplicate)
            slot_.count(Tally::refused, slot_.tally_row(message.type));
    }
}

std::string BatchWriter::why_broken(EnvelopeError error, const Envelope& envelope,
                                    std::int64_t now) const {
    const char* why = nullptr;
    if (error != EnvelopeError::none) {
        why = describe(error);
    } else if (is_answer(envelope.kind)) {
        why = "it is an answer, not a message";
    } else {
        why = why_not_keyed(envelope, now, queue_.max_keyed_delay);
    }
    return why != nullptr ? fmt::format("broken envelope: {}", why) : std::string();
}

}  // namespace myq
