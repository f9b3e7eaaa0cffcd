#include "daemon/replies.hpp"

#include "daemon/unix/clock.hpp"
#include "ipc/blob.hpp"
#include "ipc/blob_janitor.hpp"
#include "ipc/message_queue.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <new>

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

Replies::Replies(std::uint64_t max_body)
    : longest_(std::min(longest_answer, largest_body())),
      most_(std::max<std::size_t>(least_kept, std::min(max_body, largest_blob))),
      self_(::geteuid()),
      sender_(self_) {}

void Replies::begin_asked(const ReplyAddress& caller, const MessageId& id) {
    caller_ = {caller, id};
    collected_.clear();
    size_ = 0;
    told_ns_ = 0;
}

bool Replies::collect(std::span<const std::byte> bytes) {
    if (!is_asked_) return true;
    size_ += bytes.size();
    if (size_ <= most_ && keep(bytes)) return true;
    drop_collected();
    return false;
}

// A handler's code calls this: nothing may be thrown through it.
bool Replies::keep(std::span<const std::byte> bytes) {
    if (collected_.size() + bytes.size() != size_) return false;  // some of it is lost already
    try {
        collected_.insert(collected_.end(), bytes.begin(), bytes.end());
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

// What is usual is kept for the next reply; a large one's memory is not.
void Replies::drop_collected() {
    collected_.clear();
    if (collected_.capacity() > least_kept) collected_ = {};
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
    send(news, room_for_an_end);
}

void Replies::end_with_reply(Reply::Status status, std::string_view text) {
    if (!is_asked_) return;
    is_asked_ = false;
    if (collected_.size() != size_ || !send_parts(status, text)) {
        if (status == Reply::Status::done) {
            send_large();
        } else {  // why is worth more than what it replied
            tell(caller_.address, caller_.id, status, text);
        }
    }
    drop_collected();
    sweep_.now_and_then();
}

// Where there is no room in the queue: in shared memory, or only how long it was.
void Replies::send_large() {
    const auto caller =
        maker_of_reply_queue(caller_.address.queue_id, self_, caller_.address.token);
    if (!caller) return;
    std::string why = fmt::format("its reply of {} bytes has no room in the caller's queue", size_);
    std::optional<OutgoingBlob> blob;
    try {
        // Whoever calls and never fetches must not fill the machine's memory in our name.
        if (collected_.size() == size_ && unfetched_replies(self_, *caller) + size_ <= largest_blob)
            blob.emplace(OutgoingBlob::ReplyTo{*caller, caller_.address.queue_id}, collected_);
    } catch (const IpcError& e) {
        why += fmt::format(", and elsewhere: {}", e.what());
    }
    Reply cut{caller_.address.sequence, Reply::Status::cut, {}, 0, size_, {}};
    cut.text = std::string_view(why).substr(0, longest_text);
    if (blob) cut.large = blob->reference();
    const ReplyStatus sent = send(cut);
    if (blob && sent == ReplyStatus::sent) blob->sent();
}

ReplyStatus Replies::send(const Reply& reply, Spare spare) {
    return sender_.send(caller_.address.queue_id, caller_.address.token,
                        encode_reply(reply, caller_.id), spare);
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
        const ReplyStatus sent =
            send(reply, {.bytes = rest.size() + more * overhead, .messages = more});
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
    sender_.send(caller->queue_id, caller->token, encode_reply(reply, id), spare);
    sweep_.now_and_then();
}

}  // namespace myq
