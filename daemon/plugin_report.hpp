#pragma once

#include "daemon/plan.hpp"
#include "daemon/plugin_rollout.hpp"

#include <string>

namespace myq {

// What `myq plugin list` is told: one JSON object.
std::string plugin_report(const Plan& plan, const PluginHistory& history);

}  // namespace myq
