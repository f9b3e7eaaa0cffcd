#include "daemon/worker.hpp"

#include "config/duration.hpp"
#include "daemon/body_format.hpp"
#include "daemon/hygiene.hpp"
#include "daemon/in_hand.hpp"
#include "daemon/journal_source.hpp"
#include "daemon/large_bodies.hpp"
#include "daemon/last_words.hpp"
#include "daemon/one_message.hpp"
#include "daemon/outcomes.hpp"
#include "daemon/process_on_slot.hpp"
#include "daemon/queue_source.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/unix/signals.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace myq {

namespace {

// One worker at work. The path from fetch() to settle() makes no allocation, no log call and no
// system call besides msgrcv; only a message that does not end well, or asks for more than to be
// handled now, costs more.
class Worker {
public:
    Worker(const WorkerTask& task, Slot& slot, const HandlerTable& handlers, JournalAccess& journal)
        : task_(task),
          slot_(slot),
          handlers_(handlers),
          bodies_(task.queue, slot, journal, task.journal.limits),
          outcomes_(task.queue, slot, journal, task.bell, keeps_of(task)),
          last_words_(slot, handlers) {
        message_.size = sizeof message_;
        message_.queue = task.queue.name.c_str();
        for (const LiveHandler& handler : handlers.all())
            rows_.push_back(slot.tally_row(handler.config->type.value_or(0)));
        message_.id = id_text_.data();
        touch_extends(slot.deadline());
        replies_go_to(&outcomes_.replies());
    }

    // A message that its last worker had dealt with, but for taking it out of the slot.
    void settle_what_is_over() {
        if (!slot_.occupied() || !slot_.is_over()) return;
        const LiveHandler* handler = handlers_.find(slot_.type());
        slot_.settle(Tally::handled, handler != nullptr ? row_of(*handler) : 0);
    }

    // What the slot's last worker left. False if it must stay in the slot.
    bool settle_leftover(const WorkerSeat& seat) {
        if (!slot_.occupied()) return true;
        const LiveHandler* handler = handlers_.find(slot_.type());
        const std::size_t row = handler != nullptr ? row_of(*handler) : 0;
        if (!outcomes_.settle_written(row)) return false;
        bodies_.settle_left();
        if (!slot_.occupied()) return true;
        if (slot_.attempts() == 0 || handler == nullptr) return handle();
        const bool settled = settle_attempt(*handler, row, seat);
        bodies_.after_message();
        return settled;
    }

    // Until asked to leave, or nothing is left to do.
    void run(Source& source) {
        while (!stop_requested()) {
            switch (source.fetch(slot_)) {
            case Fetch::message:
                if (!handle()) return;
                break;
            case Fetch::interrupted:
                break;
            case Fetch::does_not_fit:  // the supervisor makes a larger slot
            case Fetch::finished:
                return;
            }
        }
    }

private:
    static Outcomes::Keeps keeps_of(const WorkerTask& task) {
        return task.from == WorkerTask::From::journal_once ? Outcomes::Keeps::nothing
                                                           : Outcomes::Keeps::the_dead;
    }

    // Its handler was called, and did not come back. Killed from outside it is tried again at once:
    // that says nothing of the message.
    bool settle_attempt(const LiveHandler& handler, std::size_t row, const WorkerSeat& seat) {
        using Cause = WorkerSeat::Cause;
        const RetryConfig& policy = policy_of(handler);
        const std::string cause = cause_of(seat, handler);
        const bool is_blameless = seat.cause == Cause::killed || seat.cause == Cause::unknown ||
                                  seat.cause == Cause::on_trial;
        // An attempt by code that is gone again was none.
        const bool is_last = seat.cause != Cause::on_trial &&
                             slot_.attempts() >= static_cast<std::uint32_t>(policy.attempts);
        in_hand_ = take_in_hand(slot_);
        if (!is_blameless || is_last) {
            if (in_hand_.blob && !bodies_.fetch(in_hand_)) return false;
            if (in_hand_.broken != nullptr) return outcomes_.broken(in_hand_, row);
            return outcomes_.failed(in_hand_, row, policy, cause, std::nullopt,
                                    autopsy(slot_, cause, last_words_.facts(place_of(handler))));
        }
        slot_.note_failure(wall_clock_ms(), cause);
        slot_.autopsy().crash_sequence = 0;  // it had crashed by itself, and then all were killed
        return handle();
    }

    // False if the message must stay in the slot.
    bool handle() {
        const bool settled = handle_it();
        bodies_.after_message();
        return settled;
    }

    bool handle_it() {
        const LiveHandler* handler = handlers_.find(slot_.type());
        const std::size_t row = handler != nullptr ? row_of(*handler) : 0;
        if (!unpack(row)) return false;
        if (over_) return true;
        if (handler == nullptr) {
            return outcomes_.dead(
                in_hand_, row,
                fmt::format("no handler takes type {}, and none takes any type", slot_.type()));
        }
        if (!call(*handler)) {
            slot_.note_failure(wall_clock_ms(), format_.reason());
            return outcomes_.dead(in_hand_, row, format_.reason());
        }
        bool settled = true;
        if (outcome_.verdict == MYQ_DONE) [[likely]] {
            if (in_hand_.reply) [[unlikely]]
                outcomes_.replies().end_with_reply(Reply::Status::done, {});
            slot_.settle(Tally::handled, row);
        } else {
            settled = settle_failure(*handler, row);
        }
        hygiene_.after_message(handler->plugin->name);
        return settled;
    }

    // False for a body that is not of the handler's format: it was not called.
    bool call(const LiveHandler& handler) {
        slot_.begin_attempt(handler.timeout_ns == 0 ? 0 : monotonic_ns() + handler.timeout_ns);
        message_.type = slot_.type();
        message_.type_name = handler.config->name.c_str();
        message_.body = in_hand_.body.data();
        message_.body_size = in_hand_.body.size();
        if (handler.config->format != HandlerConfig::Format::raw) [[unlikely]] {
            // Counted as an attempt already: what kills the worker in here is dead after some.
            const auto decoded = format_.decode(handler.config->format, in_hand_.body);
            if (!decoded) return false;
            message_.body = decoded->data();
            message_.body_size = decoded->size();
        }
        message_.attempt = slot_.attempts();
        message_.timeout_ms = handler.timeout_ns / 1'000'000;
        message_.wants_reply = in_hand_.reply ? 1 : 0;
        outcomes_.replies().begin(in_hand_.reply, in_hand_.id);
        outcome_ = {};
        outcome_.size = sizeof outcome_;
        log_as(handler.plugin->name);
        LastWords::begin(place_of(handler));
        handler.plugin->handle(handler.state, &message_, &outcome_);
        return true;
    }

    bool settle_failure(const LiveHandler& handler, std::size_t row) {
        outcome_.reason[sizeof outcome_.reason - 1] = '\0';
        std::string reason = outcome_.reason[0] != '\0' ? outcome_.reason : "it gave no reason";
        if (outcome_.verdict != MYQ_RETRY) {
            return outcomes_.rejected(in_hand_, row, handler.plugin->name, reason);
        }
        std::optional<std::chrono::milliseconds> delay;
        if (outcome_.delay_ms > 0) delay = std::chrono::milliseconds{outcome_.delay_ms};
        return outcomes_.failed(in_hand_, row, policy_of(handler), reason, delay);
    }

    // False if it must stay in the slot; `over_` if it is settled.
    bool unpack(std::size_t row) {
        over_ = false;
        id_text_[0] = '\0';
        if (slot_.row() == 0 && !is_envelope(slot_.body())) [[likely]] {
            in_hand_ = {};
            in_hand_.body = slot_.body();
            return true;
        }
        return unpack_more(row);
    }

    [[gnu::noinline]] bool unpack_more(std::size_t row) {
        in_hand_ = take_in_hand(slot_);
        over_ = true;
        if (in_hand_.is_large() && !bodies_.fetch(in_hand_)) return false;
        if (in_hand_.broken != nullptr) {
            return outcomes_.broken(in_hand_, row);
        }
        if (in_hand_.wish) return outcomes_.journaled(*in_hand_.wish, row);
        if (in_hand_.expires_ms && *in_hand_.expires_ms <= wall_clock_ms()) {
            outcomes_.expired(in_hand_, row);
            return true;
        }
        over_ = false;
        if (in_hand_.id.is_set()) {
            const std::string text = in_hand_.id.text();
            id_text_[text.copy(id_text_.data(), id_text_.size() - 1)] = '\0';
        }
        return true;
    }

    // "killed by SIGSEGV in plugin resize 1.2.0", "no answer for 30s"
    static std::string cause_of(const WorkerSeat& seat, const LiveHandler& handler) {
        const std::string plugin =
            fmt::format("plugin {} {}", handler.plugin->name, handler.plugin->version);
        if (seat.cause == WorkerSeat::Cause::timed_out) {
            return fmt::format("no answer for {} from {}", duration_text(*handler.config->timeout),
                               plugin);
        }
        if (seat.cause == WorkerSeat::Cause::on_trial)
            return fmt::format("{}, in new code on trial", seat.last_end);
        if (seat.last_end.empty()) return "the whole daemon was killed in " + plugin;
        return fmt::format("{} in {}", seat.last_end, plugin);
    }

    const RetryConfig& policy_of(const LiveHandler& handler) const {
        return handler.config->retry ? *handler.config->retry : task_.queue.retry;
    }

    std::size_t row_of(const LiveHandler& handler) const { return rows_[place_of(handler)]; }

    std::size_t place_of(const LiveHandler& handler) const {
        return static_cast<std::size_t>(&handler - handlers_.all().data());
    }

    const WorkerTask& task_;
    Slot& slot_;
    const HandlerTable& handlers_;
    LargeBodies bodies_;
    Outcomes outcomes_;
    LastWords last_words_;
    Hygiene hygiene_;
    std::vector<std::size_t> rows_;  // of the slot's tallies, for each handler
    InHand in_hand_;
    BodyFormat format_;
    bool over_ = false;  // it is settled without a handler
    std::array<char, 33> id_text_{};
    myq_message message_{};
    myq_outcome outcome_{};
};

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

// What a killed worker had claimed and not begun is given back; whoever looked for work meanwhile
// did not find it, and must look again. False as settle_claims().
bool give_back_claims(const WorkerTask& task, Slot& slot, JournalAccess& journal) {
    if (!slot.holds_claims()) return true;
    const bool given_back = JournalSource::settle_claims(slot, journal);
    task.bell.announce(DueBell::at_once);
    return given_back;
}

// First what the last worker left, then what the source gives.
void work(const WorkerTask& task, Worker& worker, Slot& slot, JournalAccess& journal,
          const WorkerSeat& seat, Source& source) {
    worker.settle_what_is_over();  // before the list of what is over goes with the claims
    if (!give_back_claims(task, slot, journal)) return;
    if (!worker.settle_leftover(seat)) return;
    if (!give_back_claims(task, slot, journal)) return;
    if (!seat.settle_only) worker.run(source);
    source.leave(slot);
}

}  // namespace

int run_worker(const WorkerTask& task, const WorkerSeat& seat) noexcept {
    return live_on_slot(task.queue.name, seat, [&](Slot& slot, const auto& ready) {
        JournalAccess journal(task.journal);
        const HandlerTable handlers(task.routes);
        const std::unique_ptr<Source> source = make_source(task, journal);
        Worker worker(task, slot, handlers, journal);
        ready();
        work(task, worker, slot, journal, seat, *source);
    });
}

int shelve_slot(const WorkerTask& task, const WorkerSeat& seat) noexcept {
    return live_on_slot(task.queue.name, seat, [&](Slot& slot, const auto& ready) {
        JournalAccess journal(task.journal);
        Outcomes outcomes(task.queue, slot, journal, task.bell);
        LargeBodies bodies(task.queue, slot, journal, task.journal.limits);
        ready();
        if (slot.occupied() && slot.is_over()) slot.settle(Tally::handled);
        if (slot.occupied() && !outcomes.settle_written(0)) return;
        bodies.settle_left();
        if (slot.occupied()) {
            InHand message = take_in_hand(slot);
            if (message.blob && !bodies.fetch(message)) return;
            const bool moved = message.broken != nullptr ? outcomes.broken(message, 0)
                               : message.wish            ? outcomes.journaled(*message.wish, 0)
                                                         : outcomes.shelved(message, 0);
            bodies.after_message();
            if (!moved) return;
        }
        give_back_claims(task, slot, journal);
    });
}

}  // namespace myq
