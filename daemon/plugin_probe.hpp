#pragma once

#include "config/config.hpp"
#include "daemon/plugin_image.hpp"
#include "daemon/unix/privileges.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace myq {

// What a plugin says of itself.
struct PluginDescription {
    struct Option {
        std::string name, kind;  // "text", "duration"
        bool required = false;
        std::string default_value, help;
    };

    std::string name, version;
    std::vector<std::int64_t> types;
    std::vector<Option> options;
};

struct ProbeResult {
    PluginDescription description;
    std::vector<std::string> problems;  // "where: options.x: reason", one for each wrong option
};

// How far a probe goes. Starting a handler may do something in the world, and so is asked for only
// where a worker would have done it a moment later, or has.
enum class ProbeDepth { describe, start };

// Loads the plugin in a throw-away process, as `run_as` where given (for root), asks what it is,
// and has the options of each of `handlers` judged: first by the plugin's schema, then by its
// check(). A plugin that crashes, hangs for ten seconds or cannot be loaded harms nobody else, and
// behind the probe's fence it can neither reach the network nor change a file: see probe_fence.hpp.
class PluginProbe {
public:
    using Clock = std::chrono::steady_clock;

    // Forks.
    PluginProbe(std::shared_ptr<const PluginImage> image,
                const std::vector<const HandlerConfig*>& handlers,
                const std::optional<Identity>& run_as, ProbeDepth depth = ProbeDepth::describe);

    int fd() const { return in_.value(); }  // readable when advance() has something to do
    Clock::time_point deadline() const { return deadline_; }
    pid_t pid() const { return child_.value(); }
    const std::shared_ptr<const PluginImage>& image() const { return image_; }

    // Takes what has come, and never waits. True when there is no more to come.
    bool advance();
    // Somebody else has waited for the process.
    void ended(int wait_status);

    // Once advance() was true, and once only. Throws PluginError.
    ProbeResult result();

private:
    std::string end_of_process();
    void log_words();

    std::shared_ptr<const PluginImage> image_;
    Fd in_;
    Fd words_;  // what it writes to standard output and error
    ChildPid child_;
    std::optional<int> wait_status_;
    std::string text_;
    bool is_late_ = false;
    Clock::time_point deadline_;
};

// The same, for whoever has time to wait. Throws PluginError.
ProbeResult probe_plugin(const std::shared_ptr<const PluginImage>& image,
                         const std::vector<const HandlerConfig*>& handlers,
                         const std::optional<Identity>& run_as,
                         ProbeDepth depth = ProbeDepth::describe);

}  // namespace myq
