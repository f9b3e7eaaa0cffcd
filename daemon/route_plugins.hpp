#pragma once

#include "daemon/plan.hpp"

#include <set>
#include <string>

namespace myq {

// Fills the plan's queues from its configuration and its plugins: first what the configuration
// says, then, where it allows that, the types that plugins name themselves. Of two that want one
// type, one among `first` has it, else the one that comes first by name; the other is among the
// plan's refusals, with both names.
void route_plugins(Plan& plan, const std::set<std::string>& first);

}  // namespace myq
