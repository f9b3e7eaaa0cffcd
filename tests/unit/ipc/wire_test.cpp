#include "ipc/wire.hpp"
#include "tests/unit/ipc/envelope_bytes.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <span>

TEST_SUITE("wire") {

using namespace myq;
using namespace myq::test;

TEST_CASE("The checksum is the CRC-32C of RFC 3720, whatever the length") {
    // Against the definition, bit by bit, at lengths around every block size of a fast one.
    const auto definition = [](std::span<const std::byte> data) {
        std::uint32_t crc = 0xFFFFFFFF;
        for (std::size_t i = 0; i < data.size(); ++i) {
            const bool own = i >= wire::checksum_at && i < wire::checksum_at + 4;
            crc ^= own ? 0 : std::to_integer<std::uint32_t>(data[i]);
            for (int bit = 0; bit < 8; ++bit)
                crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
        }
        return ~crc;
    };
    Bytes data(5000);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<std::byte>(i * 7 + i / 256);
    for (std::size_t size = envelope_head_size; size < 700; ++size) {
        const AtTheEdge part{std::span(data).first(size)};
        CAPTURE(size);
        REQUIRE(wire::checksum(part.bytes()) == definition(part.bytes()));
    }
    CHECK(wire::checksum(data) == definition(data));
}

}  // TEST_SUITE("wire")
