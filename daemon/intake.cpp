#include "daemon/intake.hpp"

#include "daemon/batch_writer.hpp"
#include "daemon/confirmations.hpp"
#include "daemon/process_on_slot.hpp"
#include "daemon/replies.hpp"
#include "daemon/served_queue.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/unix/signals.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>

namespace myq {

namespace {

// Bodies that one transaction takes out of shared memory: more would keep others from the journal
// for long.
constexpr std::uint64_t most_blob_bytes = std::uint64_t{8} << 20U;

std::optional<BlobReference> blob_of(std::span<const std::byte> body) {
    Envelope envelope;
    if (!is_blob(body) || decode_envelope(body, envelope) != EnvelopeError::none) return {};
    return envelope.blob;
}

// One intake at work.
class Intake {
public:
    Intake(const WorkerTask& task, IntakeMode mode, bool settle_only, Slot& slot)
        : task_(task),
          mode_(mode),
          settle_only_(settle_only),
          slot_(slot),
          batch_(slot),
          journal_(task.journal),
          writer_(task.queue, slot),
          most_at_once_(std::min(most_blob_bytes, task.journal.limits.max_size / 4)),
          queue_(task.queue, task.service),
          largest_(largest_body()) {}

    void run() {
        // What the last one left may be written already, and is then recognised by its ticket: so
        // nothing may join it.
        bool may_grow = batch_.empty();
        for (const Batch::Message& message : batch_.messages())
            count_blob(message.body);
        if (mode_ == IntakeMode::drain) close_queue();
        while (!stop_requested()) {
            if (may_grow && !settle_only_ && !fill()) return;
            const bool found_nothing = batch_.empty();
            if (!found_nothing) may_grow = write();
            if (!batch_.empty()) {
                JournalAccess::pause();
            } else if (settle_only_ || is_relieved() ||
                       (mode_ == IntakeMode::drain && found_nothing)) {
                return;
            }
        }
    }

private:
    // Takes what is there, and waits for it only with empty hands. False if the slot is too small.
    bool fill() {
        while (blob_bytes_ <= most_at_once_) {
            void* buffer = batch_.next(largest_);
            if (buffer == nullptr) return !batch_.empty() || ask_for_room();
            const Wait wait =
                batch_.empty() && mode_ == IntakeMode::for_good ? Wait::yes : Wait::no;
            const ReceiveResult result =
                queue_.receive(buffer, batch_.next_capacity(), Selector::any(), wait);
            if (result.status == ReceiveStatus::received) {
                batch_.landed(result.size);
                count_blob(batch_.messages().back().body);
                continue;
            }
            if (batch_.empty()) batch_.clear();
            if (result.status != ReceiveStatus::too_big) return true;
            return !batch_.empty() || ask_for_room();
        }
        return true;
    }

    void count_blob(std::span<const std::byte> body) {
        if (const auto blob = blob_of(body)) blob_bytes_ += std::min(blob->size, largest_blob);
    }

    bool ask_for_room() {
        slot_.need(Batch::body_capacity(std::max(largest_body(), 2 * largest_)));
        return false;
    }

    // Whether the batch may grow again: not while it is uncertain whether it was written.
    bool write() {
        try {
            journal_.use([&](Journal& journal) {
                journal.transact(survives(), [&] { writer_.write(batch_, journal); });
            });
            journal_.all_is_well();
        } catch (const std::system_error& e) {  // of a blob
            journal_.complain(std::string("a large body: ") + e.what());
            return true;
        } catch (const JournalError& e) {
            journal_.complain(e);
            refuse(e.kind() == JournalError::Kind::full ? ConfirmStatus::full
                                                        : ConfirmStatus::failed);
            return e.kind() == JournalError::Kind::full || batch_.empty();
        }
        for (const Batch::Message& message : batch_.messages())
            tell(message, message.head->status);
        confirmations_.send();
        writer_.count_refused(batch_);
        clear();
        task_.bell.announce(writer_.earliest_due());
        return true;
    }

    Survives survives() const {
        const bool is_asked = std::any_of(
            batch_.messages().begin(), batch_.messages().end(),
            [](const Batch::Message& message) { return asker_of(message).has_value(); });
        const bool is_journaled = task_.queue.durability == QueueConfig::Durability::journal;
        return is_journaled || is_asked || mode_ == IntakeMode::drain ? Survives::power_cut
                                                                      : Survives::kill;
    }

    static std::optional<ConfirmAddress> asker_of(const Batch::Message& message) {
        if (!is_envelope(message.body)) return std::nullopt;
        // Set only where it can be believed, also in an envelope that is broken elsewhere.
        Envelope envelope;
        decode_envelope(message.body, envelope);
        return envelope.confirm;
    }

    // What it has become: on disk, and for its caller the end if it is not.
    void tell(const Batch::Message& message, ConfirmStatus status) {
        confirm(message, status);
        if (status != ConfirmStatus::accepted) end(message, status);
    }

    // For a caller; one that waits for a confirmation too was told before of what is refused.
    void end(const Batch::Message& message, ConfirmStatus status) {
        if (!is_envelope(message.body) || message.head->refused != 0) return;
        Envelope envelope;
        const EnvelopeError error = decode_envelope(message.body, envelope);
        if (status != ConfirmStatus::broken) {
            return replies_.tell(envelope.reply, envelope.id, Reply::Status::refused,
                                 why_refused(status));
        }
        const std::string why = writer_.why_broken(error, envelope, wall_clock_ms());
        replies_.tell(envelope.reply, envelope.id, Reply::Status::dead,
                      why.empty() ? "broken blob: see 'myq dead list'" : why);
    }

    void confirm(const Batch::Message& message, ConfirmStatus status) {
        const auto asker = asker_of(message);
        if (asker && message.head->refused == 0) confirmations_.add(*asker, status);
    }

    // Whoever waits for a confirmation is told that it cannot be had, and the message is over; the
    // others stay until the journal works again. In this order: what is over is told nobody again.
    void refuse(ConfirmStatus status) {
        for (const Batch::Message& message : batch_.messages()) {
            if (!asker_of(message)) continue;
            confirm(message, status);
            end(message, status);
        }
        confirmations_.send();
        bool all_refused = true;
        for (const Batch::Message& message : batch_.messages()) {
            if (asker_of(message)) message.head->refused = 1;
            if (message.head->refused == 0) all_refused = false;
        }
        if (all_refused) clear();
    }

    // The messages are over: their segments go first, as long as the slot still names them.
    void clear() {
        for (const Batch::Message& message : batch_.messages()) {
            if (const auto blob = blob_of(message.body))
                remove_blob(blob->segment_id, blob->token, ::geteuid());
        }
        batch_.clear();
        writer_.rest();
        blob_bytes_ = 0;
    }

    bool is_relieved() const {
        return mode_ == IntakeMode::relief && fullness(queue_.queue().stat_any()) <= overflow_ends;
    }

    // Who sends now is told by EACCES that nobody will be there.
    void close_queue() const {
        QueueSettings closed;
        closed.mode = 0600;
        queue_.queue().set(closed);
    }

    const WorkerTask& task_;
    IntakeMode mode_;
    bool settle_only_;  // write what the last one left, and leave
    Slot& slot_;
    Batch batch_;
    JournalAccess journal_;
    BatchWriter writer_;
    std::uint64_t most_at_once_;    // and one body more; all of that fits into an empty journal
    std::uint64_t blob_bytes_ = 0;  // of the bodies that are not in the batch itself
    ServedQueue queue_;
    std::size_t largest_;
    Confirmations confirmations_;
    Replies replies_;
};

}  // namespace

double fullness(const QueueStat& stat) {
    if (stat.capacity == 0) return 1;
    return static_cast<double>(std::max(stat.bytes, stat.messages)) /
           static_cast<double>(stat.capacity);
}

int run_intake(const WorkerTask& task, IntakeMode mode, const WorkerSeat& seat) noexcept {
    return live_on_slot(task.queue.name, seat, [&](Slot& slot, const auto& ready) {
        Intake intake(task, mode, seat.settle_only, slot);
        ready();
        intake.run();
    });
}

}  // namespace myq
