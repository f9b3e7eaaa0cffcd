#include "daemon/plugin_rollout.hpp"

#include "daemon/plan_change.hpp"
#include "daemon/unix/clock.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace myq {

namespace {

const char* advice_for(const std::error_code& error) {
    if (error == std::errc::no_space_on_device) return " (fs.inotify.max_user_watches)";
    if (error == std::errc::too_many_files_open) return " (fs.inotify.max_user_instances)";
    return "";
}

bool is_routed(const Plan& plan, const std::string& name) {
    return std::any_of(plan.queues.begin(), plan.queues.end(), [&](const QueuePlan& queue) {
        return std::any_of(queue.routes.begin(), queue.routes.end(),
                           [&](const Route& route) { return route.handler.plugin == name; });
    });
}

}  // namespace

PluginRollout::PluginRollout(std::shared_ptr<const Plan> first, Means means)
    : plan_(std::move(first)),
      means_(std::move(means)),
      inspector_(means_.started_by_root ? 0 : ::geteuid()) {
    for (const std::string& remark : plan_->remarks())
        spdlog::warn("{}", remark);
    settle_refusals();
    begin_to_watch();
    // What has changed since the plan was made, and what is there but was refused.
    for (const auto& [name, plugin] : plan_->plugins)
        inspector_.know(*plan_, name);
    for (const auto& [name, refused] : history_.refused)
        inspector_.know(*plan_, name);
}

Generation PluginRollout::generation_of(const std::shared_ptr<const Plan>& plan) const {
    const JournalConfig& limits = plan->config.journal;
    return make_generation(plan, {means_.journal.directory, {limits.max_size, limits.min_free}},
                           means_.bell_of);
}

Generation PluginRollout::reload() {
    const std::shared_ptr<const Plan> before = must_revert_ ? revert().plan : plan_;
    auto next = std::make_shared<const Plan>(
        make_plan(means_.config_file, means_.started_by_root, {before.get(), watch_ != nullptr}));
    means_.prepare(*next);
    offer_ = {Offer::Why::reload, next};
    return generation_of(next);
}

// What cannot be watched is found on reload, as without `watch`.
void PluginRollout::begin_to_watch() {
    const PluginsConfig& plugins = plan_->config.plugins;
    watch_.reset();
    if (plugins.watch) {
        try {
            watch_ = std::make_unique<PluginWatch>(plugins.dir);
        } catch (const std::system_error& e) {
            spdlog::warn("plugins: {} is not watched, new plugins are found on reload only: {}{}",
                         plugins.dir.string(), e.what(), advice_for(e.code()));
        }
    }
    history_.is_watched = watch_ != nullptr;
}

bool PluginRollout::is_wanted(const std::string& name) const {
    return plan_->config.plugins.auto_route || !handlers_of(plan_->config, name).empty();
}

void PluginRollout::look_through_all() {
    std::set<std::string> names;
    try {
        for (std::string& name : plugin_names(plan_->config.plugins.dir))
            names.insert(std::move(name));
    } catch (const PluginError& e) {
        spdlog::warn("{}; the plugins that run stay", e.what());
        return;
    }
    for (const auto& [name, plugin] : plan_->plugins)
        names.insert(name);
    for (const std::string& name : names) {
        if (is_wanted(name)) inspector_.inspect(*plan_, name);
    }
}

std::vector<int> PluginRollout::fds() const {
    std::vector<int> fds = inspector_.fds();
    if (watch_) fds.push_back(watch_->fd());
    return fds;
}

std::optional<Clock::time_point> PluginRollout::next_look() const {
    std::optional<Clock::time_point> next = inspector_.next_look();
    const auto other = watch_ ? watch_->next_look() : std::nullopt;
    if (other) next = next ? std::min(*next, *other) : *other;
    return next;
}

void PluginRollout::look() {
    if (watch_) {
        const std::filesystem::path& dir = plan_->config.plugins.dir;
        const PluginWatch::Settled settled = watch_->settled(Clock::now());
        if (settled.is_lost)
            spdlog::warn("plugins: {} is gone; the plugins that run stay", dir.string());
        if (settled.is_whole) {
            spdlog::info("plugins: looking through all of {}", dir.string());
            look_through_all();
        }
        std::error_code ignored;
        const bool is_there = std::filesystem::exists(dir, ignored);
        for (const std::string& name : settled.names) {
            if (is_there && is_wanted(name)) inspector_.inspect(*plan_, name);
        }
    }
    for (PluginInspector::Finding& finding : inspector_.findings())
        take(std::move(finding));
}

void PluginRollout::take(PluginInspector::Finding finding) {
    using Kind = PluginInspector::Finding::Kind;
    const std::string& name = finding.plugin;
    waiting_.erase(name);
    one_by_one_.erase(name);
    if (finding.kind == Kind::unfit) return refuse(name, finding.reason);
    history_.refused.erase(name);
    if (finding.kind == Kind::fit) waiting_[name] = std::move(finding.fit);
    if (finding.kind == Kind::gone && plan_->plugins.contains(name)) waiting_[name] = std::nullopt;
}

void PluginRollout::refuse(const std::string& name, const std::string& reason, bool by_trial) {
    PluginHistory::Refused& refused = history_.refused[name];
    const auto file = mark_of_plugin(plan_->config.plugins.dir, name);
    if (refused.reason != reason || refused.file != file) {
        const Plan& stays = before_ && by_trial && !offer_ ? *before_ : *plan_;
        spdlog::warn("plugin refused: {}{}", reason,
                     stays.plugins.contains(name) ? "; its code of before stays" : "");
    }
    refused = {reason, wall_clock_ms(), by_trial, file};
}

// Offers.

std::optional<Delivery> PluginRollout::next(const Generation& current) {
    while (must_revert_ || !waiting_.empty()) {
        offer_ = must_revert_ ? revert() : choose();
        const PlanChange change(plan_, offer_->plan);
        if (change.queues().empty()) {  // nothing that a worker would notice
            accepted();
            works_alone();
            continue;
        }
        Delivery delivery{renew_queues(current, generation_of(offer_->plan), change.queues())};
        if (offer_->why == Offer::Why::revert) return delivery;
        std::set<std::string> queues = change.queues_with_new_code();
        for (const auto& spec : delivery.generation.workers) {
            if (!spec->is_intake() && queues.erase(spec->queue) > 0)
                delivery.canaries.push_back(spec);
        }
        delivery.change = [change](const std::string& queue, std::int64_t type) {
            return change.of(queue, type);
        };
        return delivery;
    }
    return std::nullopt;
}

// All that wait, together; but those that were rejected together one after the other.
PluginRollout::Offer PluginRollout::choose() {
    Changes chosen;
    for (auto change = waiting_.begin(); change != waiting_.end();) {
        const auto here = change++;
        if (!one_by_one_.contains(here->first)) chosen.insert(waiting_.extract(here));
    }
    if (chosen.empty()) chosen.insert(waiting_.extract(waiting_.begin()));
    FitPlugins plugins = plan_->plugins;
    for (const auto& [name, plugin] : chosen) {
        if (!plugin) plugins.erase(name);
        if (!plugin) continue;
        plugins[name] = *plugin;
        history_.on_trial.insert(name);
        spdlog::info("plugin {} {} is on trial", name, plugin->description.version);
    }
    return {Offer::Why::change,
            std::make_shared<const Plan>(with_plugins(*plan_, std::move(plugins))),
            std::move(chosen)};
}

PluginRollout::Offer PluginRollout::revert() const {
    FitPlugins plugins = plan_->plugins;
    for (const auto& [name, plugin] : delivered_) {
        const auto old = before_->plugins.find(name);
        plugins.erase(name);
        if (old != before_->plugins.end()) plugins.insert(*old);
    }
    return {Offer::Why::revert,
            std::make_shared<const Plan>(with_plugins(*plan_, std::move(plugins)))};
}

void PluginRollout::accepted() {
    if (!offer_) return;
    Offer offer = *std::exchange(offer_, std::nullopt);
    const auto before = std::exchange(plan_, offer.plan);
    before_.reset();
    delivered_.clear();
    must_revert_ = false;
    if (offer.why == Offer::Why::change) {
        before_ = before;
        delivered_ = offer.changes;
        for (const auto& [name, plugin] : offer.changes) {
            if (!plugin)
                history_.retired[name] = {before->plugins.at(name).description.version,
                                          wall_clock_ms()};
            unannounced_[name] = plugin;
        }
    }
    for (const Refusal& refusal : plan_->refusals) {
        const auto& known = before->refusals;
        if (std::find(known.begin(), known.end(), refusal) == known.end())
            spdlog::warn("plugin refused: {}", refusal.reason);
    }
    if (offer.why == Offer::Why::reload) settle_reload(*before);
}

// Until then a message may still meet the code of before.
void PluginRollout::works_alone() {
    history_.on_trial.clear();
    for (const auto& [name, plugin] : std::exchange(unannounced_, {})) {
        if (plugin) {
            history_.retired.erase(name);
            spdlog::info("plugin {} {} {}", name, plugin->description.version,
                         is_routed(*plan_, name) ? "is live" : "is there, and gets no messages");
        } else {
            spdlog::info("plugin {} is retired: its file is gone", name);
        }
    }
}

// What is being found out was for the configuration of before.
void PluginRollout::settle_reload(const Plan& before) {
    waiting_.clear();
    one_by_one_.clear();
    if (before.config.plugins.dir != plan_->config.plugins.dir) history_ = {};
    std::set<std::string> known;
    std::erase_if(history_.refused, [&](const auto& one) {
        return !is_wanted(one.first) || (!one.second.by_trial && !plan_->config.plugins.watch);
    });
    for (const auto& [name, refused] : history_.refused) {
        if (refused.by_trial) known.insert(name);
    }
    inspector_.begin_anew(known);
    settle_refusals();
    begin_to_watch();
    if (watch_) look_through_all();
}

// Those of whole files outlive the plan: until the file changes.
void PluginRollout::settle_refusals() {
    for (const Refusal& refusal : plan_->refusals) {
        if (refusal.of == Refusal::Of::file)
            history_.refused[refusal.plugin] = {
                refusal.reason, wall_clock_ms(), false,
                mark_of_plugin(plan_->config.plugins.dir, refusal.plugin)};
    }
}

void PluginRollout::rejected(const std::string& reason) {
    history_.on_trial.clear();
    if (offer_) {
        const Offer offer = *std::exchange(offer_, std::nullopt);
        if (offer.why == Offer::Why::change) blame(offer.changes, reason);
        if (offer.why != Offer::Why::revert) return;
        must_revert_ = false;
        spdlog::error("plugins: the code of before does not come back: {}; the new code stays",
                      reason);
    } else if (before_) {
        must_revert_ = true;
        unannounced_.clear();
        blame(delivered_, reason);
    }
}

// Of several that came together any may be to blame, and only one alone shows it.
void PluginRollout::blame(Changes changes, const std::string& reason) {
    const auto is_code = [](const auto& change) { return change.second.has_value(); };
    const auto suspects = std::count_if(changes.begin(), changes.end(), is_code);
    if (suspects > 1)
        spdlog::info("plugins: {}; those that came together are tried one by one", reason);
    if (suspects == 0) spdlog::error("plugins: what is gone cannot be retired: {}", reason);
    for (auto& [name, plugin] : changes) {
        if (!plugin) {
            if (suspects > 0) waiting_.try_emplace(name, std::nullopt);
        } else if (suspects > 1) {
            if (waiting_.try_emplace(name, std::move(plugin)).second) one_by_one_.insert(name);
        } else {
            refuse(name, fmt::format("{}: is taken back: {}", plugin->image->path.string(), reason),
                   true);
        }
    }
}

void PluginRollout::postponed() {
    history_.on_trial.clear();
    if (!offer_) return;
    for (auto& [name, plugin] : offer_->changes)
        waiting_.try_emplace(name, std::move(plugin));
    offer_.reset();
}

// The worker's own word may be missing, so each that nobody has asked for is started alone.
std::optional<Generation> PluginRollout::without_culprits() {
    FitPlugins innocent = plan_->plugins;
    for (const std::string& name : plan_->auto_routed) {
        const HandlerConfig handler = handler_without_config(plan_->config.plugins, name);
        try {
            probe_plugin(innocent.at(name).image, {&handler}, probe_identity(*plan_),
                         ProbeDepth::start);
        } catch (const PluginError& e) {
            innocent.erase(name);
            refuse(name, e.what());
        }
    }
    if (innocent.size() == plan_->plugins.size()) return std::nullopt;
    plan_ = std::make_shared<const Plan>(with_plugins(*plan_, std::move(innocent)));
    return first_generation();
}

}  // namespace myq
