#include "ipc/wire.hpp"

#include <isa-l/crc.h>

#include <algorithm>
#include <array>

namespace myq::wire {

std::uint32_t extend_crc(std::uint32_t crc, std::span<const std::byte> bytes) noexcept {
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
