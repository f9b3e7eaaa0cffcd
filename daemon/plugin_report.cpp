#include "daemon/plugin_report.hpp"

#include "daemon/build_id.hpp"
#include "ipc/printable.hpp"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <map>

namespace myq {

namespace {

using nlohmann::ordered_json;

// All that is to be said of one plugin, by the name of its file.
class PluginAccount {
public:
    PluginAccount(const Plan& plan, const PluginHistory& history, std::string name)
        : plan_(plan),
          history_(history),
          name_(std::move(name)) {
        const auto found = plan.plugins.find(name_);
        if (found != plan.plugins.end()) fit_ = &found->second;
    }

    ordered_json report() const {
        const auto retired = history_.retired.find(name_);
        const ordered_json routes = route_list();
        ordered_json json;
        json["file"] = name_;
        json["path"] = (plan_.config.plugins.dir / (name_ + ".so")).string();
        json["name"] = fit_ != nullptr ? fit_->description.name : "";
        json["version"] = fit_ != nullptr                     ? fit_->description.version
                          : retired != history_.retired.end() ? retired->second.version
                                                              : "";
        json["state"] = state(!routes.empty());
        json["since_ms"] = since();
        json["routes"] = routes;
        json["types"] =
            fit_ != nullptr ? ordered_json(fit_->description.types) : ordered_json::array();
        json["options"] = option_list();
        json["size"] = size();
        json["build_id"] = fit_ != nullptr ? build_id(*fit_->image) : "";
        json["reason"] = reason();
        json["fit"] = fit_ != nullptr;           // its code is here
        json["refused"] = refused() != nullptr;  // the file, as it is now
        return json;
    }

private:
    const PluginHistory::Refused* refused() const {
        const auto found = history_.refused.find(name_);
        return found != history_.refused.end() ? &found->second : nullptr;
    }

    const char* state(bool is_routed) const {
        if (history_.on_trial.contains(name_)) return "canary";
        if (is_routed) return "live";
        if (refused() != nullptr || !conflicts().empty()) return "refused";
        if (fit_ != nullptr) return "unused";
        return "retired";
    }

    ordered_json since() const {
        if (fit_ != nullptr) return fit_->since_ms;
        if (refused() != nullptr) return refused()->at_ms;
        const auto retired = history_.retired.find(name_);
        return retired != history_.retired.end() ? ordered_json(retired->second.at_ms) : nullptr;
    }

    ordered_json route_list() const {
        ordered_json list = ordered_json::array();
        for (const QueuePlan& queue : plan_.queues) {
            for (const Route& route : queue.routes) {
                const HandlerConfig& handler = route.handler;
                if (handler.plugin != name_) continue;
                list.push_back({{"queue", queue.config.name},
                                {"type", handler.type ? ordered_json(*handler.type) : nullptr},
                                {"name", handler.name},
                                {"by", plan_.auto_routed.contains(name_) ? "plugin" : "config"}});
            }
        }
        return list;
    }

    ordered_json option_list() const {
        ordered_json list = ordered_json::array();
        if (fit_ == nullptr) return list;
        for (const PluginDescription::Option& option : fit_->description.options) {
            list.push_back({{"name", option.name},
                            {"kind", option.kind},
                            {"required", option.required},
                            {"default", option.default_value},
                            {"help", option.help}});
        }
        return list;
    }

    ordered_json size() const {
        struct stat st {};
        if (fit_ == nullptr || ::fstat(fit_->image->memory.value(), &st) != 0) return nullptr;
        return st.st_size;
    }

    // Types that somebody else has.
    std::string conflicts() const {
        std::string sentences;
        for (const Refusal& refusal : plan_.refusals) {
            if (refusal.plugin != name_ || refusal.of != Refusal::Of::type) continue;
            sentences += (sentences.empty() ? "" : "; ") + refusal.reason;
        }
        return sentences;
    }

    std::string reason() const { return refused() != nullptr ? refused()->reason : conflicts(); }

    const Plan& plan_;
    const PluginHistory& history_;
    std::string name_;
    const FitPlugin* fit_ = nullptr;
};

}  // namespace

std::string plugin_report(const Plan& plan, const PluginHistory& history) {
    std::set<std::string> names = history.on_trial;
    for (const auto& [name, plugin] : plan.plugins)
        names.insert(name);
    for (const auto& [name, refused] : history.refused)
        names.insert(name);
    for (const auto& [name, retired] : history.retired)
        names.insert(name);
    ordered_json json;
    json["dir"] = plan.config.plugins.dir.string();
    json["watched"] = history.is_watched;
    json["plugins"] = ordered_json::array();
    for (const std::string& name : names)
        json["plugins"].push_back(PluginAccount(plan, history, name).report());
    return json_line(json);
}

}  // namespace myq
