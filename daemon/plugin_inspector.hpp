#pragma once

#include "daemon/plan.hpp"
#include "daemon/plugin_probe.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace myq {

// Finds out whether plugins' files are fit, while the daemon works: reads them at once, and has
// their code describe itself in throw-away processes, beside each other, for which nobody waits.
class PluginInspector {
public:
    using Clock = std::chrono::steady_clock;

    // Plugins must belong to root, or to `trusted`.
    explicit PluginInspector(uid_t trusted) : trusted_(trusted) {}

    // Has a look at DIR/NAME.so of the plan's configuration, unless it is as it was the last time.
    void inspect(const Plan& plan, const std::string& name);
    // The file is known in its present state.
    void know(const Plan& plan, const std::string& name);
    // Drops what is under way, and forgets all files but these.
    void begin_anew(const std::set<std::string>& known = {});

    struct Finding {
        std::string plugin;
        enum class Kind { fit, unfit, gone, as_before } kind;
        FitPlugin fit = {};
        std::string reason = {};  // why it is unfit
    };
    // What has been found out; each finding once.
    std::vector<Finding> findings();

    std::vector<int> fds() const;
    std::optional<Clock::time_point> next_look() const;
    void child_ended(pid_t pid, int wait_status);

private:
    // One that is under way.
    struct Inspection {
        std::string plugin;
        std::vector<HandlerConfig> handlers;  // of the configuration, else the one it would get
        bool is_configured = true;
        std::int64_t since_ms = 0;
        std::shared_ptr<const PluginImage> image;
        std::optional<Identity> run_as;
        std::optional<PluginProbe> probe = {};
        Clock::time_point not_before{};
    };

    void read(const Plan& plan, const std::string& name);
    static void begin(Inspection& inspection);
    void conclude(Inspection& inspection);

    uid_t trusted_;
    std::map<std::string, std::optional<FileMark>> seen_;
    std::vector<std::unique_ptr<Inspection>> under_way_;
    std::vector<Finding> findings_;
};

}  // namespace myq
