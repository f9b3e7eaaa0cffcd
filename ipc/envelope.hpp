#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// myq's optional framing inside the body of a kernel message: who sends one may ask for more than
// the kernel can do. The law is docs/wire-format.md; this is its one implementation in C++.
namespace myq {

// 128 random bits that name a message across every retry and repeat. All zero: none.
struct MessageId {
    std::array<std::byte, 16> bytes{};

    static MessageId random();  // getrandom(2)
    bool is_set() const { return *this != MessageId{}; }
    std::array<char, 33> digits() const;  // 32 small hex ones and a NUL
    std::string text() const { return digits().data(); }
    friend bool operator==(const MessageId&, const MessageId&) = default;
};

// Where the sender waits for the word that its message is on disk: a private queue that it made and
// gave to the daemon's user.
struct ConfirmAddress {
    std::int32_t queue_id = -1;
    std::int64_t token = 0;      // the type of the answer: 1 to 2^63-1, the sender's secret
    std::uint64_t sequence = 0;  // the sender's own number for this message
};

// Where the sender waits for what becomes of its message: the same three numbers.
using ReplyAddress = ConfirmAddress;
// Random bytes at the start of a blob's segment and in its message: an id alone may be somebody
// else's by now.
using BlobToken = std::array<std::byte, 16>;

// Where the body of a blob lies, in shared memory: ipc/blob.hpp.
struct BlobReference {
    std::int32_t segment_id = -1;
    std::uint32_t checksum = 0;  // CRC-32C of the body
    std::uint64_t size = 0;      // of the body in bytes, 1 or more
    BlobToken token{};
    friend bool operator==(const BlobReference&, const BlobReference&) = default;
};

enum class EnvelopeKind : std::uint8_t { message = 1, batch = 2, blob = 3, reply = 4, confirm = 5 };
// What a daemon sends, and is never sent itself.
constexpr bool is_answer(EnvelopeKind kind) {
    return kind == EnvelopeKind::reply || kind == EnvelopeKind::confirm;
}

// A message in its envelope. Decoded, `body` and `unique_key` point into the bytes it came from.
struct Envelope {
    EnvelopeKind kind = EnvelopeKind::message;
    MessageId id;
    std::optional<std::int64_t> due_ms;      // not before: milliseconds since the epoch
    std::optional<std::int64_t> delay_ms;    // the same, counted from when the daemon takes it
    std::optional<std::int64_t> expires_ms;  // worthless from then on: milliseconds since the epoch
    std::string_view unique_key;             // refused while one like it is live; "" for none
    std::optional<ConfirmAddress> confirm;
    std::optional<ReplyAddress> reply;
    std::optional<BlobReference> blob;  // for the kind `blob`, which has no other body
    std::span<const std::byte> body;
};

enum class EnvelopeError {
    none,
    truncated,  // shorter than its head or than the head says
    too_long,   // bytes behind its end
    version,
    kind,
    checksum,
    blob,    // what says where its body lies is malformed
    option,  // an option that is malformed, twice there, or unknown and marked as one that must be
             // understood
};
const char* describe(EnvelopeError error);  // "its checksum is wrong"

constexpr std::array<unsigned char, 8> envelope_magic{0x89, 'm', 'y', 'q', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t envelope_head_size = 40;
constexpr std::size_t longest_unique_key = 255;
// A delay is 0 up to this, so that now and a delay add up to a number: 146 million years.
constexpr std::int64_t longest_delay_ms = (std::int64_t{1} << 62U) - 1;

// Whether these bytes begin as an envelope does: no text, JSON or PHP value does.
inline bool is_envelope(std::span<const std::byte> bytes) {
    return bytes.size() >= envelope_magic.size() &&
           std::memcmp(bytes.data(), envelope_magic.data(), envelope_magic.size()) == 0;
}

// Whether they begin as that of a blob does.
bool is_blob(std::span<const std::byte> bytes) noexcept;

// Total: any bytes in, an envelope or a reason out. No allocation, no exception. After the errors
// `kind`, `blob` and `option` what is whole in it is still there, so that its sender can be told:
// `id`, `confirm`, `reply` and `body`. After the other errors nothing is.
EnvelopeError decode_envelope(std::span<const std::byte> bytes, Envelope& envelope) noexcept;

// How long the envelope at the start of `bytes` is by its own head, if that is within `bytes`: for
// a message whose receiver died before the kernel could tell it the length.
std::optional<std::size_t> envelope_size(std::span<const std::byte> bytes) noexcept;

// Throws std::invalid_argument for an Envelope that cannot be written (an over-long key).
std::vector<std::byte> encode_envelope(const Envelope& envelope);

// What a sender is told of a run of its messages: sequence numbers `first` to `first + count - 1`.
enum class ConfirmStatus : std::uint32_t {
    accepted = 0,   // on disk
    duplicate = 1,  // not taken: one with this unique key is live
    full = 2,       // not taken: the journal is full, or its disk
    failed = 3,     // not taken: the journal cannot be written
    broken = 4,     // not taken: the envelope asks for what cannot be
};
struct ConfirmRun {
    std::uint64_t first = 0;
    std::uint32_t count = 0;
    ConfirmStatus status = ConfirmStatus::accepted;
    friend bool operator==(const ConfirmRun&, const ConfirmRun&) = default;
};

// A kernel message of kind `confirm`: runs in its body, 16 bytes each. nullopt for anything else; a
// status that is not known here is read as `failed`.
std::vector<std::byte> encode_confirm(std::span<const ConfirmRun> runs);
std::optional<std::vector<ConfirmRun>> decode_confirm(std::span<const std::byte> bytes);

}  // namespace myq
