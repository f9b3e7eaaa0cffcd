#include "client/confirmed_sender.hpp"

#include "client/counted.hpp"
#include "client/parcel.hpp"
#include "client/waiting.hpp"
#include "config/duration.hpp"
#include "config/text.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

namespace myq {

namespace {

// An answer costs a system call, also when there is none. Far fewer messages than the smallest
// queue holds answers for.
constexpr std::uint64_t sends_between_looks = 16;

constexpr std::array by_gravity = {ConfirmStatus::failed, ConfirmStatus::broken,
                                   ConfirmStatus::full, ConfirmStatus::duplicate};

const char* name(ConfirmStatus status) {
    switch (status) {
    case ConfirmStatus::accepted:
        return "accepted";
    case ConfirmStatus::duplicate:
        return "duplicate";
    case ConfirmStatus::full:
        return "full";
    case ConfirmStatus::failed:
        return "failed";
    case ConfirmStatus::broken:
        return "broken";
    }
    return "failed";
}

ExitCode exit_code(ConfirmStatus status) {
    if (status == ConfirmStatus::failed) return ExitCode::system;
    return status == ConfirmStatus::broken ? ExitCode::data : ExitCode::try_later;
}

std::string reason(ConfirmStatus status, const std::string& unique) {
    switch (status) {
    case ConfirmStatus::duplicate:
        return fmt::format("one with the unique key {} is waiting or running already",
                           myq::quoted(unique));
    case ConfirmStatus::full:
        return "the journal or its disk is full: try again later, or make room: free the disk, "
               "raise journal.max_size, or look at myq dead list";
    case ConfirmStatus::broken:
        return fmt::format("myqd cannot do what its envelope asks: see the log of myqd; is it {}of "
                           "another version?",
                           unique.empty() ? "" : "due later than max_keyed_delay allows, or myqd ");
    default:
        return "the journal cannot be written: see the log of myqd, then send it again";
    }
}

}  // namespace

ConfirmedSender::ConfirmedSender(const Outlet& outlet, Wrapper wrapper, const BodyLimit& limit,
                                 Settings settings, Progress& progress, Tell tell)
    : outlet_(outlet),
      wrapper_(std::move(wrapper)),
      settings_(std::move(settings)),
      limit_(limit),
      progress_(progress),
      tell_(std::move(tell)),
      answers_(outlet.place().queue.stat_any().uid),
      window_(settings_.window) {}

void ConfirmedSender::send(std::string_view body) {
    if (window_.sent() % sends_between_looks == 0) collect();
    stop_if_refused();
    while (window_.is_full()) {
        if (!next_answer()) throw unconfirmed();
        stop_if_refused();
    }
    Parcel parcel(outlet_.place(), limit_, &wrapper_, body,
                  ConfirmAddress{answers_.id(), answers_.token(), window_.next()});
    put(parcel.bytes());
    parcel.sent();
    last_id_ = parcel.id().value();
    window_.add(last_id_);
}

// With something in flight it waits for answers and looks for room now and then: one of the two
// comes, unless there is nobody at the other end.
void ConfirmedSender::put(std::span<const std::byte> bytes) {
    while (!outlet_.try_put(bytes)) {
        if (window_.is_empty()) return outlet_.put(bytes, progress_);
        bool sent = false;
        const bool came =
            await([&] { return (sent = outlet_.try_put(bytes)) || take_answer(Wait::yes); },
                  outlet_.patience().timeout);
        if (!came) throw outlet_.still_full();
        if (sent) return;
        stop_if_refused();
    }
}

void ConfirmedSender::finish() try {
    const bool settled = settle_all();
    if (window_.has_refused()) throw refusal();
    if (!settled) throw unconfirmed();
} catch (const Interrupted& e) {
    throw Interrupted{e.signal, fmt::format("interrupted: {}{}", count(), id_if_one())};
}

void ConfirmedSender::idle(const std::function<bool()>& is_ready) {
    while (!window_.is_empty() && !is_ready()) {
        await([&] { return is_ready() || take_answer(Wait::yes); }, std::nullopt);
        stop_if_refused();
    }
}

std::string ConfirmedSender::count() const {
    std::string text = fmt::format("{} confirmed", counted(window_.accepted(), "message"));
    if (!window_.is_empty()) {
        text += fmt::format(", {} sent and not confirmed", window_.in_flight());
    }
    return text;
}

// The attempt is made again some times a second. False when that went on for too long.
bool ConfirmedSender::await(const std::function<bool()>& attempt,
                            std::optional<std::chrono::milliseconds> timeout) {
    try {
        return Waiting::until(attempt, timeout, [this] {
            outlet_.place().queue.stat_any();  // throws, once the queue is removed
            progress_.wait("waiting for the daemon to confirm...");
        });
    } catch (const IpcError& e) {
        if (e.error() != EIDRM) throw;
        throw Failure(ExitCode::unavailable,
                      fmt::format("{}: the queue, or the one for the answer, was removed: what is "
                                  "not confirmed may have been taken, or be lost{}",
                                  outlet_.place().name, id_if_one()));
    }
}

bool ConfirmedSender::next_answer() {
    if (take_answer(Wait::no)) return true;
    return await([this] { return take_answer(Wait::yes); }, outlet_.patience().timeout);
}

bool ConfirmedSender::take_answer(Wait wait) {
    const std::optional<Message> answer = answers_.receive(wait);
    if (!answer) return false;
    const auto runs = decode_confirm(answer->body);
    if (!runs) {
        throw Failure(ExitCode::internal,
                      fmt::format("{}: the daemon's answer cannot be read: is it of another "
                                  "version? The message may have been taken",
                                  outlet_.place().name));
    }
    for (const ConfirmRun& run : *runs) {
        window_.settle(run, [&](std::uint64_t number, const MessageId& id) {
            tell_({number, id, name(run.status)});
        });
    }
    return true;
}

void ConfirmedSender::collect() {
    while (take_answer(Wait::no))
        continue;
}

void ConfirmedSender::stop_if_refused() {
    if (!window_.has_refused()) return;
    settle_all();
    throw refusal();
}

bool ConfirmedSender::settle_all() {
    while (!window_.is_empty()) {
        if (!next_answer()) return false;
    }
    return true;
}

// The gravest first, a line each.
Failure ConfirmedSender::refusal() const {
    const auto refused = window_.refused();
    std::optional<ExitCode> gravest;
    std::string text;
    for (const ConfirmStatus status : by_gravity) {
        const std::string numbers = numbers_of(refused, status);
        if (numbers.empty()) continue;
        const char* noun = numbers.find(' ') == std::string::npos ? "line" : "lines";
        const std::string which = settings_.lines ? fmt::format("{} {}: ", noun, numbers) : "";
        text += fmt::format("{}{}: {}not taken: {}", gravest ? "\n" : "", outlet_.place().name,
                            which, reason(status, settings_.unique));
        if (!gravest) gravest = exit_code(status);
    }
    return {gravest.value_or(ExitCode::internal), text};
}

Failure ConfirmedSender::unconfirmed() const {
    return {ExitCode::try_later,
            fmt::format("{}: not confirmed within {}: is myqd running? {} may still be taken "
                        "later{}",
                        outlet_.place().name, duration_text(*outlet_.patience().timeout),
                        settings_.lines ? "What is sent" : "The message", id_if_one())};
}

// Lines have too many to name.
std::string ConfirmedSender::id_if_one() const {
    return settings_.lines || !last_id_.is_set() ? "" : fmt::format(" (id {})", last_id_.text());
}

}  // namespace myq
