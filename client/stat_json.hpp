#pragma once

#include "ipc/message_queue.hpp"

#include <nlohmann/json_fwd.hpp>

namespace myq {

// A queue as one JSON object: the members and integers of PHP's msg_stat_queue(), and before them
// what PHP leaves out (key, id, cuid, cgid, cbytes).
nlohmann::ordered_json to_json(const QueueStat& stat);

}  // namespace myq
