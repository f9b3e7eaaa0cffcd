#pragma once

#include <cstdint>
#include <string>

namespace myq {

// "1 message", "2 messages"
inline std::string counted(std::uint64_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace myq
