#include "daemon/replies.hpp"

#include "daemon/unix/clock.hpp"
#include "ipc/message_queue.hpp"
#include "ipc/reply_queue.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>

namespace myq {

namespace {

// More often, nobody could read it.
constexpr std::int64_t between_progress_ns = 50'000'000;
// Progress is worth nothing compared to the end of its message, or of another one whose caller
// waits on the same queue.
constexpr Spare room_for_an_end{.bytes = longest_answer, .messages = 2};

}  // namespace

const char* why_refused(ConfirmStatus status) {
    switch (status) {
    case ConfirmStatus::duplicate:
        return "one with its unique key is waiting or at work already";
    case ConfirmStatus::full:
        return "the journal, or its disk, is full";
    default:
        return "the journal cannot be written";
    }
}

Replies::Replies() : longest_(std::min(longest_answer, largest_body())), self_(::geteuid()) {}

void Replies::begin_asked(const ReplyAddress& caller, const MessageId& id) {
    caller_ = {caller, id};
    collected_.clear();
    size_ = 0;
    told_ns_ = 0;
}

bool Replies::collect(std::span<const std::byte> bytes) {
    if (!is_asked_) return true;
    size_ += bytes.size();
    if (size_ > most_collected) return false;
    collected_.insert(collected_.end(), bytes.begin(), bytes.end());
    return true;
}

void Replies::progress(std::uint64_t done, std::uint64_t total, std::string_view text) {
    if (!is_asked_) return;
    const std::int64_t now = monotonic_ns();
    if (told_ns_ != 0 && now - told_ns_ < between_progress_ns) return;
    told_ns_ = now;
    const Reply news{caller_.address.sequence,
                     Reply::Status::progress,
                     text.substr(0, longest_text),
                     done,
                     total,
                     {}};
    send_reply(caller_.address.queue_id, self_, caller_.address.token,
               encode_reply(news, caller_.id), room_for_an_end);
}

void Replies::end_with_reply(Reply::Status status, std::string_view text) {
    if (!is_asked_) return;
    is_asked_ = false;
    if (size_ > most_collected || !send_parts(status, text)) {
        const bool is_done = status == Reply::Status::done;
        tell(caller_.address, caller_.id, is_done ? Reply::Status::cut : status,
             is_done ? fmt::format("its reply of {} bytes has no room in the caller's queue", size_)
                     : std::string(text),
             0, is_done ? size_ : 0);
    }
    sweep_.now_and_then();
}

// All of them or none, as far as one can know: nobody else writes there, but for another worker
// with another message of the same caller.
bool Replies::send_parts(Reply::Status status, std::string_view text) {
    text = text.substr(0, longest_text);
    const std::size_t overhead = reply_overhead + text.size();
    if (longest_ <= overhead) return false;
    std::span<const std::byte> rest(collected_);
    do {
        const auto part = rest.first(std::min(rest.size(), longest_ - overhead));
        const Reply reply{caller_.address.sequence, status, text, collected_.size() - rest.size(),
                          collected_.size(),        part};
        rest = rest.subspan(part.size());
        const std::size_t more = (rest.size() + longest_ - overhead - 1) / (longest_ - overhead);
        const ReplyStatus sent = send_reply(
            caller_.address.queue_id, self_, caller_.address.token, encode_reply(reply, caller_.id),
            {.bytes = rest.size() + more * overhead, .messages = more});
        if (sent == ReplyStatus::full) return false;
        if (sent != ReplyStatus::sent) return true;  // there is nobody to be told anything
    } while (!rest.empty());
    return true;
}

void Replies::tell(const std::optional<ReplyAddress>& caller, const MessageId& id,
                   Reply::Status status, std::string_view text, std::uint64_t first,
                   std::uint64_t second) {
    if (!caller) return;
    const Reply reply{caller->sequence, status, text.substr(0, longest_text), first, second, {}};
    const Spare spare = reply.is_final() ? Spare{} : room_for_an_end;
    send_reply(caller->queue_id, self_, caller->token, encode_reply(reply, id), spare);
    sweep_.now_and_then();
}

}  // namespace myq
