#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

// How an envelope lies in memory; docs/wire-format.md says the same in prose. For the files that
// read and write envelopes, and their tests: everybody else has ipc/envelope.hpp.
namespace myq::wire {

constexpr std::uint8_t version = 1;

// Offsets in the fixed head.
constexpr std::size_t version_at = 8;
constexpr std::size_t kind_at = 9;
constexpr std::size_t head_size_at = 10;  // 16 bits: the offset of the body
constexpr std::size_t body_size_at = 12;  // 32 bits
constexpr std::size_t checksum_at = 16;   // 32 bits
constexpr std::size_t flags_at = 20;      // 32 bits, none of them has a meaning yet
constexpr std::size_t id_at = 24;         // 16 bytes

// An option is a tag, a length and so many bytes. The sender sets the highest bit of the tag where
// an answer that ignores the option would be worse than none.
constexpr std::size_t option_head_size = 4;
constexpr std::uint16_t must_be_understood = 0x8000;
enum class Tag : std::uint16_t {
    due = 1,
    delay = 2,
    expires = 3,
    unique_key = 4,
    confirm = 5,
    reply = 6,
};
constexpr std::size_t address_size = 20;  // of a confirm and of a reply

constexpr std::size_t confirm_run_size = 16;  // in the body of a confirm
constexpr std::size_t reply_head_size = 32;   // of the body of a reply

// The body of a blob's envelope, and the head of its segment; the body itself comes behind that.
constexpr std::size_t blob_reference_size = 32;
namespace blob_reference {
constexpr std::size_t segment_at = 0;   // i32
constexpr std::size_t checksum_at = 4;  // u32
constexpr std::size_t size_at = 8;      // u64
constexpr std::size_t token_at = 16;    // 16 bytes
}  // namespace blob_reference
constexpr std::size_t blob_head_size = 64;
namespace blob_head {
constexpr std::size_t magic_at = 0;    // 8 bytes
constexpr std::size_t version_at = 8;  // u32
constexpr std::size_t key_at = 12;     // i32: of the queue it goes to; of a reply's, the id
constexpr std::size_t token_at = 16;   // 16 bytes
constexpr std::size_t size_at = 32;    // u64: of the body
constexpr std::size_t seen_at = 40;    // i64, the daemon's
}  // namespace blob_head

// Numbers of the wire: the least significant byte comes first, at any address.
template <std::integral T>
T swap_unless_little(T value) noexcept {
    if constexpr (std::endian::native == std::endian::little) return value;
    auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
    std::ranges::reverse(bytes);
    return std::bit_cast<T>(bytes);
}

template <std::integral T>
T load(const std::byte* at) noexcept {
    T value{};
    std::memcpy(&value, at, sizeof value);
    return swap_unless_little(value);
}

template <std::integral T>
void store(std::byte* at, T value) noexcept {
    value = swap_unless_little(value);
    std::memcpy(at, &value, sizeof value);
}

template <std::integral T>
void append(std::vector<std::byte>& bytes, T value) {
    bytes.resize(bytes.size() + sizeof(T));
    store(bytes.data() + bytes.size() - sizeof(T), value);
}

// Goes on with a CRC-32C, which begins as crc_begin and is complemented in the end.
constexpr std::uint32_t crc_begin = 0xFFFFFFFF;
std::uint32_t extend_crc(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;

// The CRC-32C of an envelope, its checksum field taken as zero. `envelope` is at least a fixed head
// long.
std::uint32_t checksum(std::span<const std::byte> envelope) noexcept;

}  // namespace myq::wire
