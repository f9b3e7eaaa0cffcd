#pragma once

#include <cstdint>
#include <ctime>
#include <string_view>

namespace myq {

// Which day is meant where only HH:MM is written.
enum class Nearest {
    next,  // today if that is still to come, else tomorrow
    last   // today if that has come, else yesterday
};

// A point in time as people write it, in local time: "HH:MM", "YYYY-MM-DD HH:MM[:SS]", or "@" and
// seconds since the epoch, up to the year 9999. Seconds since the epoch.
// Throws std::invalid_argument with a sentence that quotes the text: for any other form, and for a
// day or an hour that the calendar does not have.
std::time_t parse_time(std::string_view text, std::time_t now, Nearest nearest);

// The same in milliseconds, or a duration such as 2h, which is then so long before now.
std::int64_t parse_since_ms(std::string_view text, std::int64_t now_ms);

}  // namespace myq
