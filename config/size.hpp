#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace myq {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr std::uint64_t tebibyte = std::uint64_t{1} << 40U;

// A number of bytes: 4096, or with a unit of 1024: 64KiB, 1MiB, 2GiB.
// Throws std::invalid_argument with a sentence that quotes the text.
std::uint64_t parse_size(std::string_view text);

// The same the other way round, in the largest unit that leaves a whole number.
std::string size_text(std::uint64_t size);

}  // namespace myq
