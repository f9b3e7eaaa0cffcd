#include "daemon/books.hpp"

#include "daemon/in_hand.hpp"
#include "daemon/journal_source.hpp"
#include "daemon/large_bodies.hpp"
#include "daemon/last_words.hpp"
#include "daemon/outcomes.hpp"

#include <algorithm>
#include <vector>

namespace myq {

namespace {

const RetryConfig& retry_of(const WorkerTask& task, std::int64_t type) {
    const HandlerConfig* handler = nullptr;
    for (const Route& route : task.routes) {
        const auto& taken = route.handler.type;
        if (taken == type || (!taken && handler == nullptr)) handler = &route.handler;
    }
    return handler != nullptr && handler->retry ? *handler->retry : task.queue.retry;
}

class Bookkeeper {
public:
    Bookkeeper(const WorkerTask& task, Slot& slot, JournalAccess& journal)
        : task_(task),
          slot_(slot),
          outcomes_(task.queue, slot, journal, task.bell),
          bodies_(task.queue, slot, journal) {}

    // False as keep_books(). The slot is empty then, or what is in it is for handlers.
    bool settle_hand() {
        const std::size_t row = slot_.tally_row(slot_.type());
        if (!outcomes_.settle_written(row)) return false;
        bodies_.settle_left();
        if (!slot_.occupied()) return true;
        const bool settled = settle_message(row);
        bodies_.after_message();
        return settled;
    }

private:
    bool settle_message(std::size_t row) {
        InHand message = take_in_hand(slot_);
        const auto verdict = slot_.verdict();
        if (message.is_large()) {
            if (!bodies_.fetch(message)) return false;
            if (message.broken == nullptr)
                return outcomes_.dead(message, row, "its body is too large for a sandbox");
        }
        if (message.broken != nullptr) return outcomes_.broken(message, row);
        if (verdict) {
            const std::string reason(verdict->reason.data(), verdict->reason_size);
            const std::string words =
                verdict->has_autopsy != 0 ? autopsy(slot_, reason, {}) : std::string();
            return outcomes_.carry_out(*verdict, message, row, retry_of(task_, slot_.type()),
                                       words);
        }
        if (message.wish) return outcomes_.journaled(message, row);
        return true;
    }

    const WorkerTask& task_;
    Slot& slot_;
    Outcomes outcomes_;
    LargeBodies bodies_;
};

// A handler may have written other numbers into its slot.
bool believe_what_is_claimed(Slot& slot, JournalAccess& journal) {
    return journal.insist([&](Journal& open) {
        open.transact(Survives::kill, [&] { slot.believe_rows(open.claimed(slot.identity())); });
    });
}

}  // namespace

bool keep_books(const WorkerTask& task, Slot& slot, JournalAccess& journal) {
    if (slot.has_rows() && !believe_what_is_claimed(slot, journal)) return false;
    Bookkeeper keeper(task, slot, journal);
    while (slot.occupied() || slot.take_next()) {
        if (!keeper.settle_hand()) return false;
        if (slot.occupied()) break;
    }
    return give_back_claims(task, slot, journal);
}

bool give_back_claims(const WorkerTask& task, Slot& slot, JournalAccess& journal) {
    if (!slot.holds_claims()) return true;
    const bool given_back = JournalSource::settle_claims(slot, journal);
    task.bell.announce(DueBell::at_once);
    return given_back;
}

}  // namespace myq
