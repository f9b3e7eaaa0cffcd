#include "daemon/plan.hpp"

#include "daemon/route_plugins.hpp"
#include "daemon/sandbox.hpp"
#include "daemon/unix/clock.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace myq {

namespace {

// Collects what make_plan() finds wrong, so that one run shows everything.
class Planner {
public:
    Planner(Plan& plan, bool started_by_root, const Predecessor& before)
        : plan_(plan),
          before_(before),
          trusted_(started_by_root ? 0 : ::geteuid()) {
        // Plugins of another directory are others, whatever they are called.
        const bool is_elsewhere =
            before.plan != nullptr && before.plan->config.plugins.dir != dir();
        if (is_elsewhere) before_ = {};
    }

    void find_configured() {
        std::set<std::string> names;
        for (const QueueConfig& queue : plan_.config.queues) {
            for (const HandlerConfig& handler : queue.handlers)
                names.insert(handler.plugin);
        }
        for (const std::string& name : names)
            find_configured(name, handlers_of(plan_.config, name));
    }

    void find_uninvited() {
        if (!plan_.config.plugins.auto_route) return;
        for (const std::string& name : uninvited()) {
            if (!plan_.plugins.contains(name)) find_uninvited(name);
        }
    }

    void check_groups() {
        for (const QueueConfig& queue : plan_.config.queues) {
            try {
                if (!queue.group.empty()) find_group(queue.group);
                for (const std::string& user : queue.creators)
                    find_user(user);
            } catch (const std::invalid_argument& e) {
                mistakes_.push_back(
                    fmt::format("{}: queue {}: {}", queue.where, queue.name, e.what()));
            }
        }
    }

    void check_sandboxes(const std::filesystem::path& config_file) {
        const auto of_daemon = paths_of_daemon(plan_.config, config_file);
        for (const QueueConfig& queue : plan_.config.queues) {
            if (!queue.sandbox) continue;
            for (const std::string& problem : problems_of(*queue.sandbox, of_daemon)) {
                mistakes_.push_back(
                    fmt::format("{}: queue {}: sandbox: {}", queue.where, queue.name, problem));
            }
        }
    }

    void finish() {
        if (!mistakes_.empty()) throw ConfigError(fmt::format("{}", fmt::join(mistakes_, "\n")));
        route_plugins(plan_, before_.plan != nullptr ? before_.plan->auto_routed
                                                     : std::set<std::string>{});
    }

private:
    const std::filesystem::path& dir() const { return plan_.config.plugins.dir; }

    // What runs under this name, nullptr for nothing.
    const FitPlugin* running(const std::string& name) const {
        if (before_.plan == nullptr) return nullptr;
        const auto found = before_.plan->plugins.find(name);
        return found != before_.plan->plugins.end() ? &found->second : nullptr;
    }

    void find_configured(const std::string& name,
                         const std::vector<const HandlerConfig*>& handlers) {
        const auto elsewhere = before_.elsewhere.find(name);
        const bool is_elsewhere = elsewhere != before_.elsewhere.end();
        if (is_elsewhere && elsewhere->second) return;
        const FitPlugin* old = running(name);
        const bool may_stay = (old != nullptr || is_elsewhere) && mark_of_plugin(dir(), name);
        const std::string at = handlers.front()->where + ": plugin: ";
        try {
            if (old != nullptr && before_.keeps_code && accept(name, *old, handlers).empty())
                return;
            note(accept(name, read(name), handlers));
        } catch (const PluginError& e) {
            if (!may_stay) return mistakes_.push_back(at + e.what());
            refuse(name, std::string(e.what()) + "; its code of before stays");
            if (old != nullptr) note(accept(name, *old, handlers));
        }
    }

    // Options are judged by the code that gets them. What is wrong with them; nothing: it is taken.
    std::vector<std::string> accept(const std::string& name, FitPlugin plugin,
                                    const std::vector<const HandlerConfig*>& handlers) {
        ProbeResult probe = probe_plugin(plugin.image, handlers, probe_identity(plan_));
        plugin.description = std::move(probe.description);
        if (probe.problems.empty()) plan_.plugins[name] = std::move(plugin);
        return std::move(probe.problems);
    }

    void note(const std::vector<std::string>& problems) {
        mistakes_.insert(mistakes_.end(), problems.begin(), problems.end());
    }

    std::vector<std::string> uninvited() {
        std::vector<std::string> names;
        if (before_.keeps_code) {
            for (const auto& [name, plugin] : before_.plan->plugins)
                names.push_back(name);
            return names;
        }
        try {
            names = plugin_names(dir());
        } catch (const PluginError& e) {
            if (mistakes_.empty()) mistakes_.emplace_back(e.what());  // once is enough
        }
        return names;
    }

    void find_uninvited(const std::string& name) {
        const FitPlugin* old = running(name);
        const HandlerConfig handler = handler_without_config(plan_.config.plugins, name);
        try {
            FitPlugin plugin = old != nullptr && before_.keeps_code ? *old : read(name);
            ProbeResult probe = probe_plugin(plugin.image, {&handler}, probe_identity(plan_));
            plugin.description = std::move(probe.description);
            // Without types it waits for a line in the config, and for options there.
            const bool is_wrong = !plugin.description.types.empty() && !probe.problems.empty();
            if (is_wrong) throw PluginError(probe.problems.front());
            plan_.plugins[name] = std::move(plugin);
        } catch (const PluginError& e) {
            if (old != nullptr) plan_.plugins[name] = *old;
            refuse(name,
                   std::string(e.what()) + (old != nullptr ? "; its code of before stays" : ""));
        }
    }

    FitPlugin read(const std::string& name) const {
        return {read_plugin(dir(), name, trusted_), {}, wall_clock_ms()};
    }

    void refuse(const std::string& name, const std::string& reason) {
        plan_.refusals.push_back({name, reason, Refusal::Of::file});
    }

    Plan& plan_;
    Predecessor before_;
    uid_t trusted_;
    std::vector<std::string> mistakes_;
};

}  // namespace

std::vector<std::string> Plan::remarks() const {
    std::vector<std::string> sentences;
    for (const Refusal& refusal : refusals)
        sentences.push_back("plugin refused: " + refusal.reason);
    return sentences;
}

std::vector<const HandlerConfig*> handlers_of(const Config& config, const std::string& plugin) {
    std::vector<const HandlerConfig*> handlers;
    for (const QueueConfig& queue : config.queues) {
        for (const HandlerConfig& handler : queue.handlers) {
            if (handler.plugin == plugin) handlers.push_back(&handler);
        }
    }
    return handlers;
}

HandlerConfig handler_without_config(const PluginsConfig& plugins, const std::string& name) {
    HandlerConfig handler;
    handler.plugin = name;
    handler.where = (plugins.dir / (name + ".so")).string();
    return handler;
}

std::optional<Identity> probe_identity(const Plan& plan) {
    return ::geteuid() == 0 ? std::optional(plan.service) : std::nullopt;
}

Identity service_identity(const DaemonConfig& config) {
    return ::geteuid() == 0 ? find_identity(config.user, config.group) : current_identity();
}

Plan make_plan(const std::filesystem::path& config_file, bool started_by_root,
               const Predecessor& before) {
    Plan plan;
    plan.config = load_config(config_file, MYQ_PLUGIN_DIR);
    try {
        plan.service = service_identity(plan.config.daemon);
    } catch (const std::invalid_argument& e) {
        throw ConfigError(fmt::format("{}: daemon: {}", plan.config.source.string(), e.what()));
    }
    Planner planner(plan, started_by_root, before);
    planner.check_groups();
    planner.check_sandboxes(config_file);
    planner.find_configured();
    planner.find_uninvited();
    planner.finish();
    return plan;
}

Plan with_plugins(const Plan& plan, FitPlugins plugins) {
    Plan next;
    next.config = plan.config;
    next.service = plan.service;
    next.plugins = std::move(plugins);
    route_plugins(next, plan.auto_routed);
    return next;
}

}  // namespace myq
