#include "daemon/plan.hpp"

#include "daemon/plugin_probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace myq {

namespace {

// Collects what make_plan() finds wrong, so that one run shows everything.
class Planner {
public:
    Planner(Plan& plan, bool started_by_root, const std::set<std::string>& running)
        : plan_(plan),
          running_(running),
          trusted_(started_by_root ? 0 : ::geteuid()) {
        if (::geteuid() == 0) run_as_ = plan.service;
        for (const QueueConfig& queue : plan.config.queues)
            plan.queues.push_back({queue, {}});
    }

    void route_configured() {
        std::map<std::string, std::vector<const HandlerConfig*>> users;
        for (const QueueConfig& queue : plan_.config.queues) {
            for (const HandlerConfig& handler : queue.handlers)
                users[handler.plugin].push_back(&handler);
        }
        for (const auto& [name, handlers] : users)
            load_configured(name, handlers);
        for (QueuePlan& queue : plan_.queues) {
            for (const HandlerConfig& handler : queue.config.handlers) {
                queue.routes.push_back({handler, images_[handler.plugin]});
            }
        }
    }

    void route_by_themselves() {
        if (!plan_.config.plugins.auto_route) return;
        std::vector<std::string> names;
        try {
            names = plugin_names(plan_.config.plugins.dir);
        } catch (const PluginError& e) {
            if (mistakes_.empty()) mistakes_.emplace_back(e.what());  // once is enough
        }
        // Who is routed already comes first, so that a new file cannot take its types.
        std::stable_partition(names.begin(), names.end(),
                              [&](const std::string& name) { return running_.contains(name); });
        for (const std::string& name : names) {
            if (!images_.contains(name)) route_by_itself(name);
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

    void finish() const {
        if (!mistakes_.empty()) throw ConfigError(fmt::format("{}", fmt::join(mistakes_, "\n")));
    }

private:
    void load_configured(const std::string& name,
                         const std::vector<const HandlerConfig*>& handlers) {
        auto& image = images_[name];
        try {
            image = read_plugin(plan_.config.plugins.dir, name, trusted_);
            const ProbeResult probe = probe_plugin(*image, handlers, run_as_);
            mistakes_.insert(mistakes_.end(), probe.problems.begin(), probe.problems.end());
        } catch (const PluginError& e) {
            mistakes_.push_back(fmt::format("{}: plugin: {}", handlers.front()->where, e.what()));
        }
    }

    void route_by_itself(const std::string& name) {
        HandlerConfig handler;
        handler.plugin = name;
        handler.where = (plan_.config.plugins.dir / (name + ".so")).string();
        try {
            auto image = read_plugin(plan_.config.plugins.dir, name, trusted_);
            const ProbeResult probe = probe_plugin(*image, {}, run_as_);
            if (probe.description.types.empty()) return;  // waits for a line in the config
            // Asked again with no options, since that is what it would be started with.
            const ProbeResult bare = probe_plugin(*image, {&handler}, run_as_);
            if (!bare.problems.empty()) return refuse(bare.problems.front());
            for (const std::int64_t type : probe.description.types)
                route_type(type, handler, image);
        } catch (const PluginError& e) {
            refuse(e.what());
        }
    }

    void route_type(std::int64_t type, HandlerConfig handler,
                    const std::shared_ptr<const PluginImage>& image) {
        if (type < 1)
            return refuse(
                fmt::format("{}: names type {}, which no message can have", handler.where, type));
        handler.type = type;
        for (QueuePlan& queue : plan_.queues) {
            const auto taken =
                std::find_if(queue.routes.begin(), queue.routes.end(),
                             [&](const Route& route) { return route.handler.type == type; });
            if (taken != queue.routes.end()) {
                refuse(fmt::format("{}: type {} of queue {} is already handled by plugin {}",
                                   handler.where, type, queue.config.name, taken->handler.plugin));
                continue;
            }
            queue.routes.push_back({handler, image});
            plan_.auto_routed.insert(handler.plugin);
        }
    }

    void refuse(const std::string& sentence) {
        plan_.remarks.push_back("plugin refused: " + sentence);
    }

    Plan& plan_;
    const std::set<std::string>& running_;
    uid_t trusted_;
    std::optional<Identity> run_as_;
    std::map<std::string, std::shared_ptr<const PluginImage>> images_;
    std::vector<std::string> mistakes_;
};

}  // namespace

Identity service_identity(const DaemonConfig& config) {
    return ::geteuid() == 0 ? find_identity(config.user, config.group) : current_identity();
}

Plan make_plan(const std::filesystem::path& config_file, bool started_by_root,
               const std::set<std::string>& running) {
    Plan plan;
    plan.config = load_config(config_file, MYQ_PLUGIN_DIR);
    try {
        plan.service = service_identity(plan.config.daemon);
    } catch (const std::invalid_argument& e) {
        throw ConfigError(fmt::format("{}: daemon: {}", plan.config.source.string(), e.what()));
    }
    Planner planner(plan, started_by_root, running);
    planner.check_groups();
    planner.route_configured();
    planner.route_by_themselves();
    planner.finish();
    return plan;
}

}  // namespace myq
