// The envelope decoder on any bytes, and those of confirms and replies behind it: they never crash,
// what they take is written back to the same fields, and envelope_size() is of their opinion.
#include "ipc/envelope.hpp"
#include "ipc/reply.hpp"
#include "ipc/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

using namespace myq;

namespace {

void must(bool holds) {
    if (!holds) __builtin_trap();
}

bool is_within(const void* part, std::size_t size, std::span<const std::byte> whole) {
    const auto begin = reinterpret_cast<std::uintptr_t>(whole.data());
    const auto at = reinterpret_cast<std::uintptr_t>(part);
    return size == 0 || (at >= begin && at + size <= begin + whole.size());
}

bool same(const Envelope& one, const Envelope& two) {
    const auto fields = [](const std::optional<ConfirmAddress>& wanted) {
        const ConfirmAddress address = wanted.value_or(ConfirmAddress{});
        return std::tuple(wanted.has_value(), address.queue_id, address.token, address.sequence);
    };
    return one.kind == two.kind && one.id == two.id && one.due_ms == two.due_ms &&
           one.delay_ms == two.delay_ms && one.expires_ms == two.expires_ms &&
           one.unique_key == two.unique_key && fields(one.confirm) == fields(two.confirm) &&
           fields(one.reply) == fields(two.reply) &&
           std::equal(one.body.begin(), one.body.end(), two.body.begin(), two.body.end());
}

void check_size(std::span<const std::byte> bytes, EnvelopeError error) {
    const auto size = envelope_size(bytes);
    switch (error) {
    case EnvelopeError::truncated:
    case EnvelopeError::version:
        return must(!size);
    case EnvelopeError::too_long: {
        must(size && *size < bytes.size());
        Envelope alone;
        const EnvelopeError of_alone = decode_envelope(bytes.first(*size), alone);
        return must(of_alone != EnvelopeError::truncated && of_alone != EnvelopeError::too_long);
    }
    default:
        return must(size == bytes.size());
    }
}

void check_reply(std::span<const std::byte> bytes, const Envelope& envelope, EnvelopeError error) {
    const auto reply = decode_reply(bytes);
    if (!reply) return;
    must(error == EnvelopeError::none && envelope.kind == EnvelopeKind::reply);
    must(is_within(reply->text.data(), reply->text.size(), bytes));
    must(is_within(reply->part.data(), reply->part.size(), bytes));
    ReplyAssembly assembly;
    assembly.add(*reply);
    must(assembly.whole().size() <= reply->part.size());
    const std::vector<std::byte> written = encode_reply(*reply, envelope.id);
    const auto again = decode_reply(written);
    must(again && again->sequence == reply->sequence && again->status == reply->status &&
         again->text == reply->text && again->first == reply->first &&
         again->second == reply->second && again->part.size() == reply->part.size() &&
         again->large == reply->large);
}

// noexcept: what was decoded can be encoded.
void check(std::span<const std::byte> bytes) noexcept {
    Envelope envelope;
    const EnvelopeError error = decode_envelope(bytes, envelope);
    check_size(bytes, error);
    must(describe(error)[0] != '\0');
    must(is_within(envelope.body.data(), envelope.body.size(), bytes));
    must(is_within(envelope.unique_key.data(), envelope.unique_key.size(), bytes));
    if (error == EnvelopeError::none) {
        const std::vector<std::byte> written = encode_envelope(envelope);
        Envelope again;
        must(decode_envelope(written, again) == EnvelopeError::none);
        must(same(envelope, again));
        must(encode_envelope(again) == written);
    }
    check_reply(bytes, envelope, error);
    if (const auto runs = decode_confirm(bytes)) {
        must(error == EnvelopeError::none && envelope.kind == EnvelopeKind::confirm);
        must(decode_confirm(encode_confirm(*runs)) == runs);
    }
}

// The same bytes with lengths and a checksum that are right, which chance does not find.
std::vector<std::byte> mended(std::span<const std::byte> bytes) {
    std::vector<std::byte> result(bytes.begin(), bytes.end());
    std::ranges::copy(std::as_bytes(std::span(envelope_magic)), result.begin());
    wire::store(result.data() + wire::version_at, wire::version);
    const std::size_t most = std::min(result.size(), std::size_t{0xFFFF});
    const std::size_t head = std::clamp<std::size_t>(
        wire::load<std::uint16_t>(result.data() + wire::head_size_at), envelope_head_size, most);
    wire::store(result.data() + wire::head_size_at, static_cast<std::uint16_t>(head));
    wire::store(result.data() + wire::body_size_at,
                static_cast<std::uint32_t>(result.size() - head));
    wire::store(result.data() + wire::checksum_at, wire::checksum(result));
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    check(bytes);
    if (size < envelope_head_size) return 0;
    std::vector<std::byte> right = mended(bytes);
    check(right);
    // And without flags, since any of them is refused.
    wire::store(right.data() + wire::flags_at, std::uint32_t{0});
    right = mended(right);
    check(right);
    right.push_back(std::byte{0xFF});  // as a slot is filled
    check(right);
    return 0;
}
