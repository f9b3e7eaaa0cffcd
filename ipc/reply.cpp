#include "ipc/reply.hpp"

#include "ipc/blob_reference.hpp"
#include "ipc/wire.hpp"

namespace myq {

namespace {

Reply::Status reply_status(std::uint32_t number) {
    using Status = Reply::Status;
    if (number <= static_cast<std::uint32_t>(Status::refused)) return static_cast<Status>(number);
    if (number < static_cast<std::uint32_t>(Status::retrying)) return Status::dead;
    return number == static_cast<std::uint32_t>(Status::retrying) ? Status::retrying
                                                                  : Status::progress;
}

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

const char* name(Reply::Status status) {
    switch (status) {
    case Reply::Status::done:
        return "done";
    case Reply::Status::cut:
        return "cut";
    case Reply::Status::rejected:
        return "rejected";
    case Reply::Status::dead:
        return "dead";
    case Reply::Status::expired:
        return "expired";
    case Reply::Status::refused:
        return "refused";
    case Reply::Status::retrying:
        return "retrying";
    case Reply::Status::progress:
        return "progress";
    }
    return "unknown";
}

std::vector<std::byte> encode_reply(const Reply& reply, const MessageId& id) {
    static_assert(reply_overhead == envelope_head_size + wire::reply_head_size);
    std::vector<std::byte> body;
    body.reserve(wire::reply_head_size + reply.text.size() + reply.part.size() +
                 (reply.large ? wire::blob_reference_size : 0));
    wire::append(body, reply.sequence);
    wire::append(body, static_cast<std::uint32_t>(reply.status));
    wire::append(body, static_cast<std::uint32_t>(reply.text.size()));
    wire::append(body, reply.first);
    wire::append(body, reply.second);
    const auto text = std::as_bytes(std::span(reply.text));
    body.insert(body.end(), text.begin(), text.end());
    body.insert(body.end(), reply.part.begin(), reply.part.end());
    if (reply.large) append_reference(body, *reply.large);
    Envelope envelope;
    envelope.kind = EnvelopeKind::reply;
    envelope.id = id;
    envelope.body = body;
    return encode_envelope(envelope);
}

std::optional<Reply> decode_reply(std::span<const std::byte> bytes) {
    Envelope envelope;
    if (decode_envelope(bytes, envelope) != EnvelopeError::none) return std::nullopt;
    if (envelope.kind != EnvelopeKind::reply) return std::nullopt;
    const std::span<const std::byte> body = envelope.body;
    if (body.size() < wire::reply_head_size) return std::nullopt;
    const std::size_t text_size = wire::load<std::uint32_t>(body.data() + 12);
    const auto rest = body.subspan(wire::reply_head_size);
    if (text_size > rest.size()) return std::nullopt;
    const auto status = wire::load<std::uint32_t>(body.data() + 8);
    Reply reply;
    reply.sequence = wire::load<std::uint64_t>(body.data());
    reply.status = reply_status(status);
    // What a later version says in its own way is not taken for what this one means.
    if (static_cast<std::uint32_t>(reply.status) != status) return reply;
    reply.text = text_of(rest.first(text_size));
    reply.first = wire::load<std::uint64_t>(body.data() + 16);
    reply.second = wire::load<std::uint64_t>(body.data() + 24);
    reply.part = rest.subspan(text_size);
    if (reply.status == Reply::Status::cut) reply.large = read_reference(reply.part);
    if (reply.large) reply.part = {};
    return reply;
}

bool ReplyAssembly::add(const Reply& reply) {
    if (reply.first == 0) whole_.clear();
    if (reply.first == whole_.size()) whole_ += text_of(reply.part);
    return whole_.size() >= reply.second;
}

}  // namespace myq
