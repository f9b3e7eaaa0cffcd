#pragma once

#include "daemon/due_bell.hpp"
#include "daemon/generation.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/plan.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>

namespace myq {

// The bell of a queue: one for all generations, so that what one puts off another takes up.
using BellOf = std::function<std::shared_ptr<const DueBell>(const std::string& queue)>;

// The workers that a plan asks for. They share the plan, and keep it.
Generation make_generation(const std::shared_ptr<const Plan>& plan, const JournalPlace& journal,
                           const BellOf& bell_of);

// What becomes of `current` when only these queues get the workers of `next`, and all others keep
// theirs.
Generation renew_queues(const Generation& current, Generation next,
                        const std::set<std::string>& queues);

}  // namespace myq
