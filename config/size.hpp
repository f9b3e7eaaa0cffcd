#pragma once

#include <cstdint>
#include <string_view>

namespace myq {

// A number of bytes: 4096, or with a unit of 1024: 64KiB, 1MiB, 2GiB.
// Throws std::invalid_argument with a sentence that quotes the text.
std::uint64_t parse_size(std::string_view text);

}  // namespace myq
