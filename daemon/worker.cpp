#include "daemon/worker.hpp"

#include "daemon/books.hpp"
#include "daemon/fenced_worker.hpp"
#include "daemon/handling.hpp"
#include "daemon/in_hand.hpp"
#include "daemon/journal_source.hpp"
#include "daemon/large_bodies.hpp"
#include "daemon/one_message.hpp"
#include "daemon/outcomes.hpp"
#include "daemon/plugin.hpp"
#include "daemon/process_on_slot.hpp"
#include "daemon/queue_source.hpp"

#include <memory>

namespace myq {

namespace {

std::unique_ptr<Source> make_source(const WorkerTask& task, JournalAccess& journal) {
    using From = WorkerTask::From;
    if (task.from == From::queue) {
        return std::make_unique<QueueSource>(task.queue, task.types, task.service);
    }
    const auto stay = task.from == From::journal ? JournalSource::Stay::for_good
                                                 : JournalSource::Stay::while_needed;
    auto source = std::make_unique<JournalSource>(task.queue, task.types, stay, journal, task.bell);
    if (task.from == From::journal_once) return std::make_unique<OneMessage>(std::move(source));
    return source;
}

// First what the last worker left, then what the source gives.
void work(const WorkerTask& task, Handling& worker, Slot& slot, JournalAccess& journal,
          const WorkerSeat& seat, Source& source) {
    if (!give_back_claims(task, slot, journal)) return;
    if (!worker.settle_leftover(seat)) return;
    if (!give_back_claims(task, slot, journal)) return;
    if (!seat.settle_only) worker.run(source);
    source.leave(slot);
}

// False if it must stay in the slot.
bool shelve_hand(Slot& slot, Outcomes& outcomes, LargeBodies& bodies) {
    if (slot.occupied() && !outcomes.settle_written(0)) return false;
    bodies.settle_left();
    if (!slot.occupied()) return true;
    InHand message = take_in_hand(slot);
    if (message.blob && !bodies.fetch(message)) return false;
    const bool moved = message.broken != nullptr ? outcomes.broken(message, 0)
                       : message.wish            ? outcomes.journaled(message, 0)
                                                 : outcomes.shelved(message, 0);
    bodies.after_message();
    return moved;
}

}  // namespace

int run_worker(const WorkerTask& task, const WorkerSeat& seat) noexcept {
    if (task.queue.sandbox) return run_fenced_worker(task, seat);
    return live_on_slot(task.queue.name, seat, [&](Slot& slot, const auto& ready) {
        JournalAccess journal(task.journal);
        // Its last worker may have been one with a sandbox, before a reload.
        if (slot.verdict() && !keep_books(task, slot, journal)) return;
        const HandlerTable handlers(task.routes);
        const std::unique_ptr<Source> source = make_source(task, journal);
        Handling worker(task, slot, handlers, journal);
        ready();
        work(task, worker, slot, journal, seat, *source);
        say_what_was_left_out();
    });
}

int shelve_slot(const WorkerTask& task, const WorkerSeat& seat) noexcept {
    return live_on_slot(task.queue.name, seat, [&](Slot& slot, const auto& ready) {
        JournalAccess journal(task.journal);
        Outcomes outcomes(task.queue, slot, journal, task.bell);
        LargeBodies bodies(task.queue, slot, journal);
        ready();
        if (task.queue.sandbox && !keep_books(task, slot, journal)) return;
        do {
            if (!shelve_hand(slot, outcomes, bodies)) return;
        } while (slot.take_next());
        give_back_claims(task, slot, journal);
    });
}

}  // namespace myq
