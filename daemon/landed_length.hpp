#pragma once

#include "ipc/envelope.hpp"

#include <cstddef>
#include <span>

namespace myq {

// What the room is filled with in which a message may land.
constexpr std::byte filler{0xFF};

// Of a message whose receiver was killed before it learned the length: an envelope names its own;
// else the body ends at the last byte that is no filler. See Slot.
inline std::size_t landed_length(std::span<const std::byte> room) {
    if (const auto size = envelope_size(room)) return *size;
    std::size_t length = room.size();
    while (length > 0 && room[length - 1] == filler)
        --length;
    return length;
}

}  // namespace myq
