#pragma once

#include "journal/journal.hpp"

#include <nlohmann/json_fwd.hpp>

namespace myq {

// A message of the journal as one JSON object, as myq(1) describes it; with `history`, which only
// Journal::find() knows, if that is asked for. Times are milliseconds since the epoch.
nlohmann::ordered_json to_json(const JournalEntry& entry, bool with_history);

// "waiting", "delayed", "running", "dead": as people call it.
const char* name(JournalState state);

}  // namespace myq
