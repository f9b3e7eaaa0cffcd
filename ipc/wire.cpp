#include "ipc/wire.hpp"

#include <isa-l/crc.h>

#include <algorithm>
#include <array>
#include <cstring>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace myq::wire {

namespace {

#ifdef __x86_64__
// The library takes the widest registers there are, and whoever has used them takes longer to be
// switched from and to: more than all of a small message's checksum.
constexpr std::size_t longest_narrow = 1024;

const bool has_crc_instruction = __builtin_cpu_supports("sse4.2");

[[gnu::target("sse4.2")]] std::uint32_t extend_narrow(std::uint32_t crc,
                                                      std::span<const std::byte> bytes) noexcept {
    std::uint64_t wide = crc;
    while (bytes.size() >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        wide = _mm_crc32_u64(wide, word);
        bytes = bytes.subspan(sizeof word);
    }
    crc = static_cast<std::uint32_t>(wide);
    for (const std::byte byte : bytes)
        crc = _mm_crc32_u8(crc, std::to_integer<unsigned char>(byte));
    return crc;
}
#endif

}  // namespace

std::uint32_t extend_crc(std::uint32_t crc, std::span<const std::byte> bytes) noexcept {
#ifdef __x86_64__
    if (bytes.size() <= longest_narrow && has_crc_instruction) return extend_narrow(crc, bytes);
#endif
    constexpr std::size_t longest_piece = std::size_t{1} << 30U;  // the library counts in an int
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), longest_piece));
        // It only reads, but was written before const.
        auto* data = const_cast<std::byte*>(piece.data());
        crc = crc32_iscsi(reinterpret_cast<unsigned char*>(data), static_cast<int>(piece.size()),
                          crc);
        bytes = bytes.subspan(piece.size());
    }
    return crc;
}

std::uint32_t checksum(std::span<const std::byte> envelope) noexcept {
    constexpr std::array<std::byte, sizeof(std::uint32_t)> zeros{};
    std::uint32_t crc = crc_begin;
    crc = extend_crc(crc, envelope.first(checksum_at));
    crc = extend_crc(crc, zeros);
    crc = extend_crc(crc, envelope.subspan(checksum_at + zeros.size()));
    return ~crc;
}

}  // namespace myq::wire
