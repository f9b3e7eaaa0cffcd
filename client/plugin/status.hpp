#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

class ConfigChoice;

// What the daemon says of its plugins.
struct PluginStatus {
    struct Route {
        std::string queue, name;           // the type's name, "" for none
        std::optional<std::int64_t> type;  // nullopt: whatever nobody else takes
        std::string by;                    // "config" or "plugin": who says so
    };
    struct Option {
        std::string name, kind, default_value, help;
        bool required = false;
    };

    std::string file, path;     // "resize", "/dir/resize.so"
    std::string name, version;  // by itself, "" where nobody has asked it
    std::string state;          // live, canary, refused, unused or retired
    std::optional<std::int64_t> since_ms;
    std::vector<Route> routes;
    std::vector<std::int64_t> types;  // that it names itself
    std::vector<Option> options;
    std::optional<std::uint64_t> size;
    std::string build_id;
    std::string reason;  // why the file as it is now is not used, or not for all it wants
};

struct PluginDirectory {
    std::string path;
    bool is_watched = false;
    std::vector<PluginStatus> plugins;
};

// Asks the daemon of the chosen configuration: its own JSON. Throws Failure when none runs.
std::string ask_for(std::string_view question, const ConfigChoice& config);

// Throws Failure for what cannot be read.
PluginDirectory parse_plugins(const std::string& said);

// "jobs/resize", "jobs/42", "jobs/any"
std::string route_text(const PluginStatus::Route& route);

}  // namespace myq
