#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

namespace myq {

constexpr std::int64_t no_most = std::numeric_limits<std::int64_t>::max();

// What is wrong with a number on a command line, as a sentence; "" for a whole decimal number from
// `least` to `most`. For CLI11's check(), whose own ranges are told with 309 digits.
std::function<std::string(const std::string& text)> whole_number(std::int64_t least,
                                                                 std::int64_t most = no_most);

}  // namespace myq
