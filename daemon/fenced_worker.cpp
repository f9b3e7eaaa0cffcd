#include "daemon/fenced_worker.hpp"

#include "daemon/books.hpp"
#include "daemon/handling.hpp"
#include "daemon/journal_source.hpp"
#include "daemon/logging.hpp"
#include "daemon/process_on_slot.hpp"
#include "daemon/queue_source.hpp"
#include "daemon/sandbox.hpp"
#include "daemon/unix/shared_mappings.hpp"
#include "daemon/unix/signals.hpp"

#include <memory>
#include <optional>

namespace myq {

namespace {

// Where the messages come from, opened while that may be done.
class FencedSource {
public:
    FencedSource(const WorkerTask& task, Slot& slot, JournalAccess& journal, bool may_claim) {
        using From = WorkerTask::From;
        if (task.from == From::queue) {
            auto source = std::make_unique<QueueSource>(task.queue, task.types, task.service);
            queue_id_ = source->queue_id();
            source_ = std::move(source);
            return;
        }
        const auto stay = task.from == From::journal ? JournalSource::Stay::for_good
                                                     : JournalSource::Stay::while_needed;
        auto source =
            std::make_unique<JournalSource>(task.queue, task.types, stay, journal, task.bell);
        has_more_ = may_claim;
        if (may_claim) source->claim_once(slot);
        source_ = std::move(source);
    }

    Source& source() { return *source_; }
    std::optional<int> queue_id() const { return queue_id_; }
    bool has_more() const { return has_more_; }

private:
    std::unique_ptr<Source> source_;
    std::optional<int> queue_id_;
    bool has_more_ = true;
};

void work_behind_fence(Handling& worker, Slot& slot, const WorkerSeat& seat, FencedSource& from) {
    // A row of the journal that was left is over only once the books were kept again.
    const bool has_rows = (slot.occupied() && slot.row() != 0) || slot.handful().holds_rows();
    if (!worker.settle_leftover(seat) || seat.settle_only || has_rows || !from.has_more()) return;
    worker.run(from.source());
    from.source().leave(slot);
}

}  // namespace

int run_fenced_worker(const WorkerTask& task, const WorkerSeat& seat) noexcept {
    unmap_shared_but({task.bell.memory()});  // bells of other queues: a fork hands on memory, too
    return live_on_slot(task.queue.name, seat, [&](Slot& slot, const auto& ready) {
        JournalAccess journal(task.journal);
        if (!keep_books(task, slot, journal)) return;
        const bool has_leftover = slot.occupied() || slot.handful().is_open();
        if (seat.settle_only && !has_leftover) return ready();
        FencedSource from(task, slot, journal, !has_leftover && !seat.settle_only);
        journal.close_for_good();
        keep_log_open();
        // It cannot open the log anew; its successor has the new one.
        become_interruptible(seat.supervisor, [] { ask_self_to_leave(); });
        raise_fence(fence_of(*task.queue.sandbox, from.queue_id()));
        const HandlerTable handlers(task.routes);
        Handling worker(task, slot, handlers, journal);
        ready();
        work_behind_fence(worker, slot, seat, from);
    });
}

}  // namespace myq
