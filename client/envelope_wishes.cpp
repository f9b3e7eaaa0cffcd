#include "client/envelope_wishes.hpp"

#include "client/failure.hpp"
#include "client/option_kinds.hpp"
#include "client/parse_time.hpp"
#include "config/duration.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <stdexcept>

namespace myq {

namespace {

using std::chrono::milliseconds;

// Longer is a slip of the pen, and sums with it stay far from overflow.
constexpr milliseconds longest_delay = std::chrono::hours{24 * 365 * 100};

void check(const char* option, const std::optional<milliseconds>& time) {
    if (!time || *time <= longest_delay) return;
    throw Failure(ExitCode::usage, fmt::format("{} {}: longer than a hundred years: use less",
                                               option, duration_text(*time)));
}

void check_unique(const std::string& key) {
    if (!key.empty() && key.size() <= longest_unique_key) return;
    throw Failure(ExitCode::usage, fmt::format("--unique: a key of {} bytes: use 1 to {}",
                                               key.size(), longest_unique_key));
}

std::int64_t parse_at_ms(const std::string& text, std::int64_t now_ms) {
    try {
        return parse_time(text, now_ms / 1000, Nearest::next) * 1000;
    } catch (const std::invalid_argument& e) {
        throw Failure(ExitCode::usage, fmt::format("--at: {}", e.what()));
    }
}

}  // namespace

void EnvelopeWishes::add(CLI::App& verb) {
    CLI::Option* later =
        add_duration(verb, "--delay", delay, "To be handled so long from now, such as 10m");
    verb.add_option("--at", at, "To be handled at HH:MM, 'YYYY-MM-DD HH:MM[:SS]' or @EPOCH")
        ->type_name("TIME")
        ->excludes(later);
    add_duration(verb, "--ttl", ttl, "Worthless after so long: then it is dropped unhandled");
    verb.add_option("--unique", unique,
                    "Fail with status 75 while one with this key is waiting or running")
        ->type_name("KEY");
    verb.add_flag("--confirm", confirm, "Wait until the daemon has it on disk");
}

Wrapper::Wrapper(const EnvelopeWishes& wishes, std::int64_t now_ms)
    : delay_(wishes.delay),
      ttl_(wishes.ttl),
      unique_(wishes.unique.value_or("")),
      waits_(wishes.waits()) {
    check("--delay", delay_);
    check("--ttl", ttl_);
    if (wishes.unique) check_unique(unique_);
    if (!wishes.at.empty()) due_ms_ = parse_at_ms(wishes.at, now_ms);
    const std::int64_t due = due_ms_.value_or(now_ms + delay_.value_or(milliseconds{0}).count());
    if (ttl_ && now_ms + ttl_->count() <= due) {
        throw Failure(ExitCode::usage,
                      fmt::format("--ttl {}: the message would be worthless before it is due: "
                                  "give it longer",
                                  duration_text(*ttl_)));
    }
}

Envelope Wrapper::envelope(std::int64_t now_ms) const {
    Envelope envelope;
    envelope.due_ms = due_ms_;
    // Counted from now and not from when the daemon takes it: it may have to be started first.
    if (delay_) envelope.due_ms = now_ms + delay_->count();
    if (ttl_) envelope.expires_ms = now_ms + ttl_->count();
    envelope.unique_key = unique_;
    return envelope;
}

std::size_t Wrapper::overhead() const {
    Envelope empty = envelope(0);
    if (waits_) empty.confirm = ConfirmAddress{0, 1, 1};
    return encode_envelope(empty).size();
}

}  // namespace myq
