#pragma once

#include "daemon/crew.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/plan.hpp"
#include "daemon/reload_callers.hpp"
#include "daemon/slot_directory.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace myq {

// What `myq status` is told: one JSON object. Looks into slots, queues and the journal, and so is
// for a process of its own.
std::string status_report(const Plan& plan, const std::vector<WorkerInfo>& workers,
                          const SlotDirectory& slots, const JournalPlace& journal,
                          std::int64_t started_ms, const std::optional<ReloadVerdict>& last_reload);

}  // namespace myq
