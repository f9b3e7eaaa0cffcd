#pragma once

#include "config/config.hpp"
#include "daemon/batch.hpp"
#include "daemon/blob_body.hpp"
#include "daemon/due_bell.hpp"
#include "daemon/refusals.hpp"
#include "journal/journal.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace myq {

// Writes a batch to the journal: every message as its envelope asks, with its body.
//
// There may be no room for some. What is to be worked off waits for the work that makes room; but
// nobody waits for room for what a sender puts off, or for what is broken: that is refused, and the
// rest of its batch goes on.
class BatchWriter {
public:
    // The references must outlive the object.
    BatchWriter(const QueueConfig& queue, Slot& slot)
        : queue_(queue),
          slot_(slot),
          blob_(queue),
          refusals_(queue.name) {}

    // Inside a transaction. What became of each message is in its head afterwards. Throws
    // JournalError, and std::system_error of a blob.
    void write(const Batch& batch, Journal& journal);

    // When the first of them is due.
    std::int64_t earliest_due() const { return earliest_due_; }

    // What was not taken, in the tallies of the slot.
    void count_refused(const Batch& batch);

    // The batch is over.
    void rest() { blob_.rest(); }

    // What is wrong with its envelope; "" for nothing.
    std::string why_broken(EnvelopeError error, const Envelope& envelope, std::int64_t now) const;

private:
    std::string open(std::span<const std::byte> bytes, std::int64_t now, NewMessage& row,
                     std::optional<BlobReference>& blob) const;
    ConfirmStatus insert(Journal& journal, std::int64_t number, const Batch::Message& message,
                         std::int64_t now);
    bool is_admitted(Journal& journal, std::int64_t number, const NewMessage& row,
                     std::uint64_t size);
    const char* fetch(const Batch::Message& message, const BlobReference& blob);

    const QueueConfig& queue_;
    Slot& slot_;
    BlobBody blob_;
    Refusals refusals_;
    std::int64_t earliest_due_ = DueBell::never;
};

}  // namespace myq
