#include "daemon/handling.hpp"

#include "config/duration.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/unix/signals.hpp"

#include <fmt/format.h>

#include <optional>

namespace myq {

namespace {

constexpr const char* in_many = ", in a call of many";

// "killed by SIGSEGV in plugin resize 1.2.0", "no answer for 30s"
std::string cause_of(const WorkerSeat& seat, const LiveHandler& handler) {
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

std::int64_t deadline_of(const LiveHandler& handler) {
    return handler.timeout_ns == 0 ? 0 : monotonic_ns() + handler.timeout_ns;
}

Outcomes::Keeps keeps_of(const WorkerTask& task) {
    return task.from == WorkerTask::From::journal_once ? Outcomes::Keeps::nothing
                                                       : Outcomes::Keeps::the_dead;
}

}  // namespace

Handling::Handling(const WorkerTask& task, Slot& slot, const HandlerTable& handlers,
                   JournalAccess& journal)
    : task_(task),
      slot_(slot),
      handlers_(handlers),
      bodies_(task.queue, slot, journal),
      outcomes_(task.queue, slot, journal, task.bell, keeps_of(task)),
      last_words_(slot, handlers),
      format_(task.queue.max_body),
      many_(handlers, task.queue.name.c_str()) {
    message_.size = sizeof message_;
    message_.queue = task.queue.name.c_str();
    for (const LiveHandler& handler : handlers.all())
        rows_.push_back(slot.tally_row(handler.config->type.value_or(0)));
    message_.id = id_text_.data();
    touch_extends(slot.deadline());
    replies_go_to(&outcomes_.replies());
    if (many_.is_needed()) slot.make_room_for_many();
    if (task.queue.sandbox && task.queue.sandbox->cpu)
        hygiene_.leave_after(*task.queue.sandbox->cpu / 2);
}

// Where many were with the handler, nobody knows which of them is to blame: then each comes alone,
// and whoever ends the next worker has done it.
bool Handling::settle_leftover(const WorkerSeat& seat) {
    const bool were_many = slot_.in_call() > 1;
    if (were_many) slot_.end_call();
    if (!settle_hand(seat, were_many)) return false;
    while (!stop_requested() && slot_.take_next()) {
        const LiveHandler* handler = handlers_.find(slot_.type());
        bool settled = false;
        if (slot_.attempts() == 0 || handler == nullptr) {
            settled = handle();
        } else {
            const std::string end = were_many ? cause_of(seat, *handler) : "it did not come back";
            const Fault fault = were_many ? fault_of(seat, were_many) : Fault::nobody;
            settled = settle_attempt(*handler, row_of(*handler), end + in_many, fault);
            bodies_.after_message();
        }
        if (!settled) return false;
    }
    return !slot_.handful().is_open();
}

bool Handling::settle_hand(const WorkerSeat& seat, bool were_many) {
    if (!slot_.occupied()) return true;
    const LiveHandler* handler = handlers_.find(slot_.type());
    const std::size_t row = row_of(slot_.type());
    if (!outcomes_.settle_written(row)) return false;
    bodies_.settle_left();
    if (!slot_.occupied()) return true;
    if (slot_.attempts() == 0 || handler == nullptr) return handle();
    const std::string cause = cause_of(seat, *handler) + (were_many ? in_many : "");
    const bool settled = settle_attempt(*handler, row, cause, fault_of(seat, were_many));
    bodies_.after_message();
    return settled;
}

// Killed from outside, say, which says nothing of the message; nor does the end of a call of many.
Handling::Fault Handling::fault_of(const WorkerSeat& seat, bool were_many) {
    using Cause = WorkerSeat::Cause;
    if (seat.cause == Cause::on_trial) return Fault::new_code;
    const bool is_nobodys =
        were_many || seat.cause == Cause::killed || seat.cause == Cause::unknown;
    return is_nobodys ? Fault::nobody : Fault::message;
}

// Its handler was called, and did not come back. Unless that is its fault, it is tried again at
// once.
bool Handling::settle_attempt(const LiveHandler& handler, std::size_t row, const std::string& cause,
                              Fault fault) {
    const RetryConfig& policy = policy_of(handler);
    // An attempt by code that is gone again was none.
    const bool is_last =
        fault != Fault::new_code && slot_.attempts() >= static_cast<std::uint32_t>(policy.attempts);
    in_hand_ = take_in_hand(slot_);
    if (fault == Fault::message || is_last) {
        if (in_hand_.blob && !bodies_.fetch(in_hand_)) return false;
        if (in_hand_.broken != nullptr) return outcomes_.broken(in_hand_, row);
        return outcomes_.failed(in_hand_, row, policy, cause, std::nullopt,
                                autopsy(slot_, cause, last_words_.facts(place_of(handler))));
    }
    slot_.note_failure(wall_clock_ms(), cause);
    slot_.autopsy().crash_sequence = 0;  // it had crashed by itself, and then all were killed
    return handle();
}

void Handling::run(Source& source) {
    source_ = &source;
    while (!stop_requested()) {
        switch (source.fetch(slot_)) {
        case Fetch::message:
            if (!handle_all()) return;
            break;
        case Fetch::interrupted:
            break;
        case Fetch::does_not_fit:  // the supervisor makes a larger slot
        case Fetch::finished:
            return;
        }
    }
}

// The one in hand, and those that were taken with it.
bool Handling::handle_all() {
    do {
        if (!handle()) return false;
    } while (slot_.handful().is_open() && slot_.take_next());
    return true;
}

bool Handling::handle() {
    const bool settled = handle_it();
    bodies_.after_message();
    return settled;
}

bool Handling::handle_it() {
    const LiveHandler* handler = handlers_.find(slot_.type());
    const std::size_t row = handler != nullptr ? row_of(*handler) : 0;
    if (!unpack(row)) return false;
    if (over_) return true;
    if (handler == nullptr) {
        return outcomes_.dead(
            in_hand_, row,
            fmt::format("no handler takes type {}, and none takes any type", slot_.type()));
    }
    if (handler->most > 1) {
        const std::size_t count = gather(*handler);
        if (count > 1) return handle_many(*handler, row, count);
    }
    return handle_alone(*handler, row);
}

bool Handling::handle_alone(const LiveHandler& handler, std::size_t row) {
    if (!call(handler)) {
        slot_.note_failure(wall_clock_ms(), format_.reason());
        return outcomes_.dead(in_hand_, row, format_.reason());
    }
    const bool settled = settle(handler, row, outcome_);
    hygiene_.after_message(handler.plugin->name);
    return settled;
}

bool Handling::settle(const LiveHandler& handler, std::size_t row, const myq_outcome& outcome) {
    if (outcome.verdict != MYQ_DONE) [[unlikely]]
        return settle_failure(handler, row, outcome);
    if (in_hand_.reply) [[unlikely]]
        outcomes_.replies().end_with_reply(Reply::Status::done, {});
    slot_.settle(Tally::handled, row);
    return true;
}

// How many there are for one call. What was tried before comes alone, or one that ends its worker
// would take others with it again and again; and so does whatever may be tried only once.
std::size_t Handling::gather(const LiveHandler& handler) {
    const bool may = source_ != nullptr && !stop_requested() && slot_.attempts() == 0 &&
                     !in_hand_.reply && !in_hand_.is_large() && policy_of(handler).attempts > 1;
    return may ? many_.gather(handler, in_hand_, slot_, *source_) : 1;
}

bool Handling::handle_many(const LiveHandler& handler, std::size_t row, std::size_t count) {
    slot_.begin_call(count, deadline_of(handler));
    outcomes_.replies().begin(std::nullopt, {});
    log_as(handler.plugin->name);
    LastWords::begin(place_of(handler));
    many_.call(handler, count);
    slot_.end_call();
    // First whatever is done, so that as little as can be is done again should this worker end now.
    for (std::size_t i = 1; i < count; ++i) {
        if (many_.outcome(i).verdict == MYQ_DONE)
            slot_.settle_in_handful(i - 1, Tally::handled, row);
    }
    if (!settle(handler, row, many_.outcome(0))) return false;
    for (std::size_t i = 1; i < count; ++i) {
        if (many_.outcome(i).verdict == MYQ_DONE) continue;
        slot_.take_next();
        in_hand_ = take_in_hand(slot_);
        if (!settle_failure(handler, row, many_.outcome(i))) return false;
    }
    hygiene_.after_message(handler.plugin->name);
    return true;
}

bool Handling::call(const LiveHandler& handler) {
    slot_.begin_attempt(deadline_of(handler));
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
    outcome_.reason[sizeof outcome_.reason - 1] = '\0';
    return true;
}

bool Handling::settle_failure(const LiveHandler& handler, std::size_t row,
                              const myq_outcome& outcome) {
    const std::string reason = outcome.reason[0] != '\0' ? outcome.reason : "it gave no reason";
    if (outcome.verdict != MYQ_RETRY)
        return outcomes_.rejected(in_hand_, row, handler.plugin->name, reason);
    std::optional<std::chrono::milliseconds> delay;
    if (outcome.delay_ms > 0) delay = std::chrono::milliseconds{outcome.delay_ms};
    return outcomes_.failed(in_hand_, row, policy_of(handler), reason, delay);
}

bool Handling::unpack(std::size_t row) {
    over_ = false;
    id_text_[0] = '\0';
    if (slot_.row() == 0 && !is_envelope(slot_.body())) [[likely]] {
        in_hand_ = {};
        in_hand_.body = slot_.body();
        return true;
    }
    return unpack_more(row);
}

[[gnu::noinline]] bool Handling::unpack_more(std::size_t row) {
    in_hand_ = take_in_hand(slot_);
    over_ = true;
    if (in_hand_.is_large() && !bodies_.fetch(in_hand_)) return false;
    if (in_hand_.broken != nullptr) {
        return outcomes_.broken(in_hand_, row);
    }
    if (in_hand_.wish) return outcomes_.journaled(in_hand_, row);
    if (in_hand_.expires_ms && *in_hand_.expires_ms <= wall_clock_ms()) {
        outcomes_.expired(in_hand_, row);
        return true;
    }
    over_ = false;
    if (in_hand_.id.is_set()) id_text_ = in_hand_.id.digits();
    return true;
}

std::size_t Handling::row_of(std::int64_t type) const {
    const LiveHandler* handler = handlers_.find(type);
    return handler != nullptr ? row_of(*handler) : 0;
}

}  // namespace myq
