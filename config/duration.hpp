#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace myq {

// A whole number and a unit: 250ms, 30s, 5m, 2h, 1d. Never negative.
// Throws std::invalid_argument with a sentence that quotes the text.
std::chrono::milliseconds parse_duration(std::string_view text);

// The same the other way round, in the largest unit that leaves a whole number.
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace myq
