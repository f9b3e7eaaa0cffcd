#pragma once

#include <ctime>
#include <string>

namespace myq {

// "2024-05-01 12:00:00 +0200 (3 s ago)" in local time; "never" for 0, which the kernel uses so.
std::string moment(std::time_t time, std::time_t now);

}  // namespace myq
