#include "ipc/envelope.hpp"

#include "ipc/blob_reference.hpp"
#include "ipc/random.hpp"
#include "ipc/wire.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace myq {

namespace {

using wire::Tag;

// How long an envelope is by the numbers in its own head.
struct Extent {
    std::size_t head = 0;  // fixed head and options: where the body begins
    std::size_t whole = 0;
};

Extent extent(std::span<const std::byte> bytes) noexcept {
    const std::size_t head = wire::load<std::uint16_t>(bytes.data() + wire::head_size_at);
    return {head, head + wire::load<std::uint32_t>(bytes.data() + wire::body_size_at)};
}

// What must hold before any number in the envelope is worth believing.
EnvelopeError check_frame(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < envelope_head_size) return EnvelopeError::truncated;
    if (!is_envelope(bytes)) return EnvelopeError::version;
    if (wire::load<std::uint8_t>(bytes.data() + wire::version_at) != wire::version) {
        return EnvelopeError::version;
    }
    const auto [head, whole] = extent(bytes);
    if (head < envelope_head_size || bytes.size() < whole) return EnvelopeError::truncated;
    if (bytes.size() > whole) return EnvelopeError::too_long;
    if (wire::load<std::uint32_t>(bytes.data() + wire::checksum_at) != wire::checksum(bytes)) {
        return EnvelopeError::checksum;
    }
    return EnvelopeError::none;
}

bool read_time(std::span<const std::byte> value, std::optional<std::int64_t>& time) noexcept {
    if (time || value.size() != sizeof(std::int64_t)) return false;
    time = wire::load<std::int64_t>(value.data());
    return true;
}

bool read_delay(std::span<const std::byte> value, std::optional<std::int64_t>& delay) noexcept {
    return read_time(value, delay) && *delay >= 0 && *delay <= longest_delay_ms;
}

bool read_unique_key(std::span<const std::byte> value, std::string_view& key) noexcept {
    if (!key.empty() || value.empty() || value.size() > longest_unique_key) return false;
    key = {reinterpret_cast<const char*>(value.data()), value.size()};
    return true;
}

bool read_address(std::span<const std::byte> value,
                  std::optional<ConfirmAddress>& wanted) noexcept {
    if (wanted || value.size() != wire::address_size) return false;
    const ConfirmAddress address{wire::load<std::int32_t>(value.data()),
                                 wire::load<std::int64_t>(value.data() + 4),
                                 wire::load<std::uint64_t>(value.data() + 12)};
    if (address.queue_id < 0 || address.token <= 0) return false;
    wanted = address;
    return true;
}

// False for an option that is not as it must be.
bool read_option(std::uint16_t tag, std::span<const std::byte> value, Envelope& envelope) noexcept {
    switch (static_cast<Tag>(tag & ~wire::must_be_understood)) {
    case Tag::due:
        return read_time(value, envelope.due_ms);
    case Tag::delay:
        return read_delay(value, envelope.delay_ms);
    case Tag::expires:
        return read_time(value, envelope.expires_ms);
    case Tag::unique_key:
        return read_unique_key(value, envelope.unique_key);
    case Tag::confirm:
        return read_address(value, envelope.confirm);
    case Tag::reply:
        return read_address(value, envelope.reply);
    }
    return (tag & wire::must_be_understood) == 0;
}

// Goes on behind an option that is wrong: one that comes later may say whom to tell.
EnvelopeError read_options(std::span<const std::byte> options, Envelope& envelope) noexcept {
    bool sound = true;
    while (!options.empty()) {
        if (options.size() < wire::option_head_size) return EnvelopeError::option;
        const auto tag = wire::load<std::uint16_t>(options.data());
        const std::size_t length = wire::load<std::uint16_t>(options.data() + 2);
        options = options.subspan(wire::option_head_size);
        if (length > options.size()) return EnvelopeError::option;
        sound = read_option(tag, options.first(length), envelope) && sound;
        options = options.subspan(length);
    }
    if (envelope.due_ms && envelope.delay_ms) return EnvelopeError::option;
    return sound ? EnvelopeError::none : EnvelopeError::option;
}

bool is_known(EnvelopeKind kind) noexcept {
    return kind == EnvelopeKind::message || kind == EnvelopeKind::blob || is_answer(kind);
}

[[noreturn, gnu::cold]] void refuse(const char* sentence) {
    throw std::invalid_argument(std::string("envelope: ") + sentence);
}

void check(const Envelope& envelope) {
    const auto require = [](bool holds, const char* sentence) {
        if (!holds) refuse(sentence);
    };
    const bool is_blob = envelope.kind == EnvelopeKind::blob;
    require(is_known(envelope.kind),
            "only messages, blobs, replies and confirms are written; use one of these kinds");
    require(is_blob == envelope.blob.has_value() && (!is_blob || envelope.body.empty()),
            "a blob, and nothing else, says where its body lies in place of one");
    require(!is_blob || (envelope.blob->segment_id >= 0 && envelope.blob->size > 0),
            "a blob's segment has a negative id or no body; make it with OutgoingBlob");
    require(!envelope.due_ms || !envelope.delay_ms,
            "a due time and a delay contradict each other; give one of them");
    require(envelope.delay_ms.value_or(0) >= 0, "a delay cannot be negative; give 0 or more");
    require(envelope.delay_ms.value_or(0) <= longest_delay_ms,
            "a delay has at most 4611686018427387903 milliseconds; give less");
    require(envelope.unique_key.size() <= longest_unique_key,
            "the unique key is longer than 255 bytes; use a shorter one, such as a hash of it");
    require(!envelope.confirm || envelope.confirm->queue_id >= 0,
            "the queue for the confirm has a negative id; give what msgget returned");
    require(!envelope.confirm || envelope.confirm->token > 0,
            "the token for the confirm is not positive; use 1 to 9223372036854775807");
    require(!envelope.reply || (envelope.reply->queue_id >= 0 && envelope.reply->token > 0),
            "the queue for the reply has a negative id, or its token is not positive; give what "
            "msgget returned, and 1 to 9223372036854775807");
    require(envelope.body.size() <= std::numeric_limits<std::uint32_t>::max(),
            "the body is longer than 4294967295 bytes; send less");
}

void append_raw(std::vector<std::byte>& bytes, std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

void append_option_head(std::vector<std::byte>& bytes, Tag tag, std::size_t size) {
    wire::append(bytes, static_cast<std::uint16_t>(tag));
    wire::append(bytes, static_cast<std::uint16_t>(size));
}

void append_time(std::vector<std::byte>& bytes, Tag tag, const std::optional<std::int64_t>& time) {
    if (!time) return;
    append_option_head(bytes, tag, sizeof *time);
    wire::append(bytes, *time);
}

void append_address(std::vector<std::byte>& bytes, Tag tag,
                    const std::optional<ConfirmAddress>& address) {
    if (!address) return;
    append_option_head(bytes, tag, wire::address_size);
    wire::append(bytes, address->queue_id);
    wire::append(bytes, address->token);
    wire::append(bytes, address->sequence);
}

void append_options(std::vector<std::byte>& bytes, const Envelope& envelope) {
    append_time(bytes, Tag::due, envelope.due_ms);
    append_time(bytes, Tag::delay, envelope.delay_ms);
    append_time(bytes, Tag::expires, envelope.expires_ms);
    if (!envelope.unique_key.empty()) {
        append_option_head(bytes, Tag::unique_key, envelope.unique_key.size());
        append_raw(bytes, std::as_bytes(std::span(envelope.unique_key)));
    }
    append_address(bytes, Tag::confirm, envelope.confirm);
    append_address(bytes, Tag::reply, envelope.reply);
}

}  // namespace

MessageId MessageId::random() {
    MessageId id;
    fill_random(id.bytes);
    return id;
}

std::array<char, 33> MessageId::digits() const {
    constexpr std::string_view hex = "0123456789abcdef";
    std::array<char, 33> text{};
    char* at = text.data();
    for (const std::byte byte : bytes) {
        *at++ = hex[std::to_integer<std::size_t>(byte >> 4U)];
        *at++ = hex[std::to_integer<std::size_t>(byte & std::byte{0xF})];
    }
    return text;
}

const char* describe(EnvelopeError error) {
    switch (error) {
    case EnvelopeError::none:
        return "nothing is wrong with it";
    case EnvelopeError::truncated:
        return "it is shorter than its head says";
    case EnvelopeError::too_long:
        return "it is longer than its head says";
    case EnvelopeError::version:
        return "it is not of version 1, the only one known here";
    case EnvelopeError::kind:
        return "it is of a kind that is not known here";
    case EnvelopeError::checksum:
        return "its checksum is wrong";
    case EnvelopeError::blob:
        return "what says where its body lies is malformed";
    case EnvelopeError::option:
        return "an option of it is malformed, given twice, contradicts another or is not known "
               "here";
    }
    return "it is wrong in a way without a name";
}

EnvelopeError decode_envelope(std::span<const std::byte> bytes, Envelope& envelope) noexcept {
    envelope = {};
    if (const EnvelopeError error = check_frame(bytes); error != EnvelopeError::none) return error;
    const std::size_t head = extent(bytes).head;
    envelope.kind = static_cast<EnvelopeKind>(bytes[wire::kind_at]);
    std::ranges::copy(bytes.subspan(wire::id_at, envelope.id.bytes.size()),
                      envelope.id.bytes.begin());
    envelope.body = bytes.subspan(head);
    const EnvelopeError options =
        read_options(bytes.subspan(envelope_head_size, head - envelope_head_size), envelope);
    if (!is_known(envelope.kind)) return EnvelopeError::kind;
    // A flag of a later version asks for something that would not be done.
    if (wire::load<std::uint32_t>(bytes.data() + wire::flags_at) != 0) return EnvelopeError::option;
    if (envelope.kind == EnvelopeKind::blob) {
        envelope.blob = read_reference(envelope.body);
        if (!envelope.blob) return EnvelopeError::blob;
        envelope.body = {};
    }
    return options;
}

bool is_blob(std::span<const std::byte> bytes) noexcept {
    return bytes.size() >= envelope_head_size && is_envelope(bytes) &&
           static_cast<EnvelopeKind>(bytes[wire::kind_at]) == EnvelopeKind::blob;
}

std::optional<std::size_t> envelope_size(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < envelope_head_size || !is_envelope(bytes)) return std::nullopt;
    if (wire::load<std::uint8_t>(bytes.data() + wire::version_at) != wire::version) {
        return std::nullopt;
    }
    const auto [head, whole] = extent(bytes);
    if (head < envelope_head_size || whole > bytes.size()) return std::nullopt;
    return whole;
}

std::vector<std::byte> encode_envelope(const Envelope& envelope) {
    check(envelope);
    constexpr std::size_t most_options = 320;  // bytes
    std::vector<std::byte> bytes;
    bytes.reserve(envelope_head_size + most_options + envelope.body.size());
    append_raw(bytes, std::as_bytes(std::span(envelope_magic)));
    bytes.resize(envelope_head_size);
    wire::store(bytes.data() + wire::version_at, wire::version);
    wire::store(bytes.data() + wire::kind_at, static_cast<std::uint8_t>(envelope.kind));
    const std::size_t body = envelope.blob ? wire::blob_reference_size : envelope.body.size();
    wire::store(bytes.data() + wire::body_size_at, static_cast<std::uint32_t>(body));
    std::ranges::copy(envelope.id.bytes, bytes.data() + wire::id_at);
    append_options(bytes, envelope);
    wire::store(bytes.data() + wire::head_size_at, static_cast<std::uint16_t>(bytes.size()));
    append_raw(bytes, envelope.body);
    if (envelope.blob) append_reference(bytes, *envelope.blob);
    wire::store(bytes.data() + wire::checksum_at, wire::checksum(bytes));
    return bytes;
}

}  // namespace myq
