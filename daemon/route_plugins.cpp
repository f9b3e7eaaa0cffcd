#include "daemon/route_plugins.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace myq {

namespace {

void route_configured(Plan& plan) {
    plan.queues.clear();
    for (const QueueConfig& config : plan.config.queues) {
        QueuePlan& queue = plan.queues.emplace_back(QueuePlan{config, {}});
        for (const HandlerConfig& handler : config.handlers) {
            const auto plugin = plan.plugins.find(handler.plugin);
            if (plugin != plan.plugins.end())
                queue.routes.push_back({handler, plugin->second.image});
        }
    }
}

// Whose the type is, nullptr for nobody's. A type that the configuration gives to a plugin that is
// not there just now is still that plugin's.
const HandlerConfig* owner_of(const QueuePlan& queue, std::int64_t type) {
    for (const HandlerConfig& handler : queue.config.handlers) {
        if (handler.type == type) return &handler;
    }
    for (const Route& route : queue.routes) {
        if (route.handler.type == type) return &route.handler;
    }
    return nullptr;
}

void route_type(Plan& plan, std::int64_t type, HandlerConfig handler,
                const std::shared_ptr<const PluginImage>& image) {
    if (type < 1) {
        plan.refusals.push_back(
            {handler.plugin,
             fmt::format("{}: names type {}, which no message can have", handler.where, type),
             Refusal::Of::type});
        return;
    }
    handler.type = type;
    for (QueuePlan& queue : plan.queues) {
        const HandlerConfig* owner = owner_of(queue, type);
        if (owner == nullptr) {
            queue.routes.push_back({handler, image});
            plan.auto_routed.insert(handler.plugin);
        } else if (owner->plugin != handler.plugin) {
            plan.refusals.push_back(
                {handler.plugin,
                 fmt::format("{}: type {} of queue {} is already handled by plugin {}",
                             handler.where, type, queue.config.name, owner->plugin),
                 Refusal::Of::type});
        }
    }
}

}  // namespace

void route_plugins(Plan& plan, const std::set<std::string>& first) {
    route_configured(plan);
    plan.auto_routed.clear();
    if (!plan.config.plugins.auto_route) return;
    std::vector<std::string> names;
    for (const auto& [name, plugin] : plan.plugins) {
        if (handlers_of(plan.config, name).empty()) names.push_back(name);
    }
    // Who is routed already comes first, so that a new file cannot take its types.
    std::stable_partition(names.begin(), names.end(),
                          [&](const std::string& name) { return first.contains(name); });
    for (const std::string& name : names) {
        const FitPlugin& plugin = plan.plugins.at(name);
        for (const std::int64_t type : plugin.description.types)
            route_type(plan, type, handler_without_config(plan.config.plugins, name), plugin.image);
    }
}

}  // namespace myq
