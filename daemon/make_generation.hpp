#pragma once

#include "daemon/generation.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/plan.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace myq {

// When the first message of a queue in the journal is due, as for DueBell.
using FirstDue = std::function<std::int64_t(const std::string& queue)>;

// The workers that a plan asks for. They share the plan, and keep it.
Generation make_generation(const std::shared_ptr<const Plan>& plan, const JournalPlace& journal,
                           const FirstDue& first_due);

}  // namespace myq
