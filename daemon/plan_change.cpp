#include "daemon/plan_change.hpp"

#include <algorithm>
#include <functional>

namespace myq {

namespace {

const Route* route_for(const QueuePlan& queue, std::int64_t type) {
    const Route* any = nullptr;
    for (const Route& route : queue.routes) {
        if (route.handler.type == type) return &route;
        if (!route.handler.type) any = &route;
    }
    return any;
}

// 0, which no message has, finds whoever takes any type.
CodeChange change_between(const QueuePlan& old, const QueuePlan& now, std::int64_t type) {
    const Route* there = route_for(old, type);
    const Route* here = route_for(now, type);
    if (here == nullptr || (there != nullptr && here->image == there->image))
        return CodeChange::none;
    const bool is_same_plugin = there != nullptr && here->handler.plugin == there->handler.plugin;
    return is_same_plugin ? CodeChange::replaced : CodeChange::added;
}

bool is_same(const QueuePlan& old, const QueuePlan& now) {
    return std::is_permutation(old.routes.begin(), old.routes.end(), now.routes.begin(),
                               now.routes.end(), [](const Route& one, const Route& other) {
                                   return one.image == other.image &&
                                          one.handler.type == other.handler.type;
                               });
}

// Whether some code there is not the code of before.
bool has_new_code(const QueuePlan& old, const QueuePlan& now) {
    return std::any_of(now.routes.begin(), now.routes.end(), [&](const Route& route) {
        return change_between(old, now, route.handler.type.value_or(0)) != CodeChange::none;
    });
}

// The queues for which `is_so` is true of what was and what is. Both plans have the same ones.
std::set<std::string>
those(const Plan& before, const Plan& after,
      const std::function<bool(const QueuePlan& old, const QueuePlan& now)>& is_so) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < after.queues.size(); ++i) {
        if (is_so(before.queues.at(i), after.queues[i])) names.insert(after.queues[i].config.name);
    }
    return names;
}

}  // namespace

std::set<std::string> PlanChange::queues() const {
    return those(*before_, *after_,
                 [](const QueuePlan& old, const QueuePlan& now) { return !is_same(old, now); });
}

std::set<std::string> PlanChange::queues_with_new_code() const {
    return those(*before_, *after_, has_new_code);
}

CodeChange PlanChange::of(const std::string& queue, std::int64_t type) const {
    for (std::size_t i = 0; i < after_->queues.size(); ++i) {
        if (after_->queues[i].config.name == queue)
            return change_between(before_->queues.at(i), after_->queues[i], type);
    }
    return CodeChange::none;
}

}  // namespace myq
