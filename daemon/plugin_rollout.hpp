#pragma once

#include "daemon/delivery.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/make_generation.hpp"
#include "daemon/plan.hpp"
#include "daemon/plugin_inspector.hpp"
#include "daemon/plugin_watch.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace myq {

// What is known of plugins besides what the plan says; for `myq plugin list`.
struct PluginHistory {
    // Why the file, as it is now, is not used.
    struct Refused {
        std::string reason;
        std::int64_t at_ms = 0;
        bool by_trial = false;  // found out by workers, not by looking at it
        std::optional<FileMark> file = {};
    };
    struct Retired {
        std::string version;
        std::int64_t at_ms = 0;
    };
    std::map<std::string, Refused> refused;
    std::map<std::string, Retired> retired;
    std::set<std::string> on_trial;
    bool is_watched = false;
};

// The plan that works and the one that may follow it: by a reload, or because plugins' files have
// changed. Changed files are inspected, and those that are fit are delivered to the supervisor as
// the same configuration with other plugins.
class PluginRollout : public Deliveries {
public:
    struct Means {
        std::filesystem::path config_file;
        bool started_by_root = false;
        JournalPlace journal;
        BellOf bell_of;
        // Makes or checks what a plan needs besides plugins; throws what is wrong.
        std::function<void(const Plan&)> prepare;
    };

    PluginRollout(std::shared_ptr<const Plan> first, Means means);

    // The plan that works.
    const Plan& plan() const { return *plan_; }
    const PluginHistory& history() const { return history_; }

    Generation first_generation() const { return generation_of(plan_); }
    // Reads the configuration again. Throws what is wrong with it.
    Generation reload();

    void child_ended(pid_t pid, int wait_status) { inspector_.child_ended(pid, wait_status); }

    std::vector<int> fds() const override;
    std::optional<Clock::time_point> next_look() const override;
    void look() override;
    std::optional<Delivery> next(const Generation& current) override;
    void accepted() override;
    void works_alone() override;
    void rejected(const std::string& reason) override;
    void postponed() override;
    std::optional<Generation> without_culprits() override;

private:
    // nullopt: it is retired.
    using Changes = std::map<std::string, std::optional<FitPlugin>>;
    struct Offer {
        enum class Why { reload, change, revert } why;
        std::shared_ptr<const Plan> plan;
        Changes changes = {};
    };

    void begin_to_watch();
    void look_through_all();
    bool is_wanted(const std::string& name) const;
    void take(PluginInspector::Finding finding);
    void refuse(const std::string& name, const std::string& reason, bool by_trial = false);

    Offer revert() const;
    Offer choose();
    Generation generation_of(const std::shared_ptr<const Plan>& plan) const;
    void blame(Changes changes, const std::string& reason);
    void settle_reload(const Plan& before);
    void settle_refusals();

    std::shared_ptr<const Plan> plan_;
    std::shared_ptr<const Plan> before_;  // before the last delivery, which may be taken back
    Changes delivered_;                   // by that
    Changes unannounced_;
    bool must_revert_ = false;
    Means means_;
    PluginInspector inspector_;
    std::unique_ptr<PluginWatch> watch_;  // none where nothing is watched
    Changes waiting_;
    std::set<std::string> one_by_one_;  // that were rejected together with others
    std::optional<Offer> offer_;
    PluginHistory history_;
};

}  // namespace myq
