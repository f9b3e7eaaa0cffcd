#pragma once

#include "config/config.hpp"
#include "daemon/due_bell.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/source.hpp"

#include <cstddef>
#include <vector>

namespace myq {

// The journal: what is due in it for one queue. Claims a few rows at a time, so that fast handlers
// do not wait for the file; the slot knows which of them are over, so that a killed worker's
// successor repeats at most the one that it held.
class JournalSource : public Source {
public:
    enum class Stay {
        for_good,      // waits for more when nothing is due
        while_needed,  // is finished then
    };

    // The references must outlive the source.
    JournalSource(const QueueConfig& queue, Selector types, Stay stay, JournalAccess& journal,
                  const DueBell& bell);

    Fetch fetch(Slot& slot) override;
    // Of the rows that are claimed already, one that was never tried.
    bool fetch_more(Slot& slot) override;
    void leave(Slot& slot) override;

    // For a worker that will not have the journal later: claims once, and fetch() knows of nothing
    // more than that. If there was nothing, it waits until there may be something.
    void claim_once(Slot& slot);

    // What a killed worker had claimed for this slot: rows that are over go, the others are given
    // back, but for those of the messages in the slot. False if asked to stop before it was done.
    static bool settle_claims(Slot& slot, JournalAccess& journal);

private:
    struct Claimed {
        std::int64_t row = 0;
        std::int64_t type = 0;
        std::uint32_t attempts = 0;
        SlotMessageId id{};
        std::int64_t expires_ms = 0;
        std::uint64_t size = 0;       // of the body
        std::vector<std::byte> body;  // empty if it is too long to be claimed
        SlotReply reply;
    };

    void claim(Slot& slot);
    void adapt_batch();
    Fetch wait_for_more();
    Fetch end_of_claim();
    void wait(std::uint32_t rings, std::int64_t due_ms) const;

    const QueueConfig& queue_;
    Selector types_;
    Stay stay_;
    JournalAccess& journal_;
    const DueBell& bell_;
    std::vector<Claimed> claimed_;  // from next_ on not yet handed out
    std::size_t next_ = 0;
    std::size_t batch_ = 1;    // rows to claim at once
    int calls_ = 0;            // of a handler, for those that were claimed last
    bool takes_many_ = false;  // that handler, or one of them
    std::int64_t claimed_at_ns_ = 0;
    bool claims_once_ = false;
    std::uint32_t rings_ = 0;       // when it claimed
    std::int64_t next_due_ms_ = 0;  // likewise
    bool is_finished_ = false;      // nothing is due, and when the next is has been announced
};

}  // namespace myq
