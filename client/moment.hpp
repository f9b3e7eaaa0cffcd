#pragma once

#include <cstdint>
#include <ctime>
#include <string>

namespace myq {

// "2024-05-01 12:00:00 +0200 (3 s ago)" in local time, "(in 3 s)" for what is still to come;
// "never" for 0, which the kernel uses so.
std::string moment(std::time_t time, std::time_t now);

// How long that is, in one unit and rounded down: "119 s", "2 min", "3 h", "4 days".
std::string span(std::time_t seconds);

// The journal and the daemon count milliseconds since the epoch.
std::int64_t now_ms();

}  // namespace myq
