#pragma once

#include "client/daemon_status.hpp"

#include <cstdint>
#include <string>

namespace myq {

// The daemon's state for people: what it is, then the accounting of each queue, then its workers.
// `queue` limits it to one queue, "" to none. What comes from messages is made printable.
std::string to_text(const DaemonStatus& status, const std::string& queue, std::int64_t now_ms);

}  // namespace myq
