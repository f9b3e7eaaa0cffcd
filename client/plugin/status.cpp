#include "client/plugin/status.hpp"

#include "client/daemon_socket.hpp"
#include "client/failure.hpp"
#include "client/place.hpp"
#include "config/directories.hpp"
#include "config/text.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace myq {

namespace {

using Plugin = PluginStatus;

template <typename Value>
std::optional<Value> known(const nlohmann::json& value) {
    return value.is_null() ? std::nullopt : std::optional(value.get<Value>());
}

std::string words(const nlohmann::json& object, const char* member) {
    return object.at(member).get<std::string>();
}

Plugin::Route route_in(const nlohmann::json& object) {
    return {words(object, "queue"), words(object, "name"), known<std::int64_t>(object.at("type")),
            words(object, "by")};
}

Plugin::Option option_in(const nlohmann::json& object) {
    return {words(object, "name"), words(object, "kind"), words(object, "default"),
            words(object, "help"), object.at("required").get<bool>()};
}

Plugin plugin_in(const nlohmann::json& object) {
    Plugin plugin;
    plugin.file = words(object, "file");
    plugin.path = words(object, "path");
    plugin.name = words(object, "name");
    plugin.version = words(object, "version");
    plugin.state = words(object, "state");
    plugin.since_ms = known<std::int64_t>(object.at("since_ms"));
    for (const nlohmann::json& route : object.at("routes"))
        plugin.routes.push_back(route_in(route));
    plugin.types = object.at("types").get<std::vector<std::int64_t>>();
    for (const nlohmann::json& option : object.at("options"))
        plugin.options.push_back(option_in(option));
    plugin.size = known<std::uint64_t>(object.at("size"));
    plugin.build_id = words(object, "build_id");
    plugin.reason = words(object, "reason");
    return plugin;
}

}  // namespace

std::string ask_for(std::string_view question, const ConfigChoice& config) {
    // A daemon is found whatever became of its file since it started.
    const std::filesystem::path directory =
        run_directory(load_daemon_config(config.file()), config.file());
    const auto answer = ask_daemon(directory, fmt::format("{}\n", question));
    if (!answer) {
        throw Failure(ExitCode::unavailable,
                      fmt::format("myqd is not running (no one listens at {}): service myq start",
                                  daemon_socket(directory).string()));
    }
    return *answer;
}

PluginDirectory parse_plugins(const std::string& answer) {
    try {
        const auto json = nlohmann::json::parse(answer);
        PluginDirectory directory{words(json, "dir"), json.at("watched").get<bool>(), {}};
        for (const nlohmann::json& plugin : json.at("plugins"))
            directory.plugins.push_back(plugin_in(plugin));
        return directory;
    } catch (const nlohmann::json::exception& e) {
        throw Failure(ExitCode::internal,
                      fmt::format("the daemon's answer cannot be read: {}: is myqd of another "
                                  "version?",
                                  myq::quoted(e.what())));
    }
}

std::string route_text(const PluginStatus::Route& route) {
    const std::string type = route.type ? std::to_string(*route.type) : "any";
    return fmt::format("{}/{}", printable(route.queue),
                       route.name.empty() ? type : printable(route.name));
}

}  // namespace myq
