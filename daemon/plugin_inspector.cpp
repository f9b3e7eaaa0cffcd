#include "daemon/plugin_inspector.hpp"

#include "daemon/unix/clock.hpp"

#include <algorithm>
#include <system_error>

namespace myq {

namespace {

// More would be a load of their own.
constexpr std::size_t most_probes = 4;
// How long after there was no room for one more process.
constexpr std::chrono::seconds pause{1};

}  // namespace

void PluginInspector::inspect(const Plan& plan, const std::string& name) {
    const auto mark = mark_of_plugin(plan.config.plugins.dir, name);
    const auto [seen, is_first] = seen_.try_emplace(name, mark);
    if (!is_first && seen->second == mark) return;
    seen->second = mark;
    std::erase_if(under_way_, [&](const auto& one) { return one->plugin == name; });
    std::erase_if(findings_, [&](const Finding& one) { return one.plugin == name; });
    if (!mark) {
        findings_.push_back({name, Finding::Kind::gone});
        return;
    }
    try {
        read(plan, name);
    } catch (const PluginError& e) {
        findings_.push_back({name, Finding::Kind::unfit, {}, e.what()});
    }
}

void PluginInspector::know(const Plan& plan, const std::string& name) {
    seen_[name] = mark_of_plugin(plan.config.plugins.dir, name);
}

void PluginInspector::begin_anew(const std::set<std::string>& known) {
    under_way_.clear();
    findings_.clear();
    std::erase_if(seen_, [&](const auto& one) { return !known.contains(one.first); });
}

void PluginInspector::read(const Plan& plan, const std::string& name) {
    const PluginsConfig& plugins = plan.config.plugins;
    auto made = std::make_unique<Inspection>();
    made->plugin = name;
    made->image = read_plugin(plugins.dir, name, trusted_);
    made->since_ms = wall_clock_ms();
    made->run_as = probe_identity(plan);
    const auto live = plan.plugins.find(name);
    if (live != plan.plugins.end() && is_same_code(*live->second.image, *made->image)) {
        findings_.push_back({name, Finding::Kind::as_before});
        return;
    }
    for (const HandlerConfig* handler : handlers_of(plan.config, name))
        made->handlers.push_back(*handler);
    made->is_configured = !made->handlers.empty();
    if (!made->is_configured) made->handlers.push_back(handler_without_config(plugins, name));
    under_way_.push_back(std::move(made));
}

std::vector<PluginInspector::Finding> PluginInspector::findings() {
    for (std::size_t i = 0; i < std::min(under_way_.size(), most_probes); ++i) {
        Inspection& inspection = *under_way_[i];
        try {
            if (!inspection.probe && Clock::now() >= inspection.not_before) begin(inspection);
            if (inspection.probe && inspection.probe->advance()) conclude(inspection);
        } catch (const std::system_error&) {
            inspection.not_before = Clock::now() + pause;
        } catch (const PluginError& e) {
            findings_.push_back({inspection.plugin, Finding::Kind::unfit, {}, e.what()});
            inspection.image.reset();
        }
    }
    std::erase_if(under_way_, [](const auto& one) { return one->image == nullptr; });
    return std::exchange(findings_, {});
}

void PluginInspector::begin(Inspection& inspection) {
    std::vector<const HandlerConfig*> handlers;
    for (const HandlerConfig& handler : inspection.handlers)
        handlers.push_back(&handler);
    inspection.probe.emplace(inspection.image, handlers, inspection.run_as);
}

void PluginInspector::conclude(Inspection& inspection) {
    ProbeResult result = inspection.probe->result();
    // Without types and without a line in the config it waits for one, and for options there.
    const bool is_wanted = inspection.is_configured || !result.description.types.empty();
    if (!result.problems.empty() && is_wanted) throw PluginError(result.problems.front());
    findings_.push_back({inspection.plugin,
                         Finding::Kind::fit,
                         {std::exchange(inspection.image, nullptr), std::move(result.description),
                          inspection.since_ms}});
}

std::vector<int> PluginInspector::fds() const {
    std::vector<int> fds;
    for (const auto& inspection : under_way_) {
        if (inspection->probe) fds.push_back(inspection->probe->fd());
    }
    return fds;
}

std::optional<PluginInspector::Clock::time_point> PluginInspector::next_look() const {
    std::optional<Clock::time_point> next;
    if (!findings_.empty()) next = Clock::now();
    for (std::size_t i = 0; i < std::min(under_way_.size(), most_probes); ++i) {
        const auto& probe = under_way_[i]->probe;
        const Clock::time_point look = probe ? probe->deadline() : under_way_[i]->not_before;
        next = next ? std::min(*next, look) : look;
    }
    return next;
}

void PluginInspector::child_ended(pid_t pid, int wait_status) {
    for (const auto& inspection : under_way_) {
        if (inspection->probe && inspection->probe->pid() == pid)
            inspection->probe->ended(wait_status);
    }
}

}  // namespace myq
