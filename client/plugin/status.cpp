#include "client/plugin/status.hpp"

#include "client/answer_fields.hpp"
#include "client/daemon_socket.hpp"
#include "client/failure.hpp"
#include "client/place.hpp"
#include "config/directories.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <stdexcept>

namespace myq {

namespace {

using Plugin = PluginStatus;

Plugin::Route route_in(const nlohmann::json& object) {
    return {answer::text(object, "queue"), answer::text(object, "name"),
            answer::integer_if_known<std::int64_t>(object, "type"), answer::text(object, "by")};
}

Plugin::Option option_in(const nlohmann::json& object) {
    return {answer::text(object, "name"), answer::text(object, "kind"),
            answer::text(object, "default"), answer::text(object, "help"),
            answer::flag(object, "required")};
}

Plugin plugin_in(const nlohmann::json& object) {
    Plugin plugin;
    plugin.file = answer::text(object, "file");
    plugin.path = answer::text(object, "path");
    plugin.name = answer::text(object, "name");
    plugin.version = answer::text(object, "version");
    plugin.state = answer::text(object, "state");
    if (!object.at("since_ms").is_null()) plugin.since_ms = answer::moment(object, "since_ms");
    for (const nlohmann::json& route : answer::list(object, "routes"))
        plugin.routes.push_back(route_in(route));
    for (const nlohmann::json& type : answer::list(object, "types"))
        plugin.types.push_back(answer::integer<std::int64_t>(type, "types"));
    for (const nlohmann::json& option : answer::list(object, "options"))
        plugin.options.push_back(option_in(option));
    plugin.size = answer::integer_if_known<std::uint64_t>(object, "size");
    plugin.build_id = answer::text(object, "build_id");
    plugin.reason = answer::text(object, "reason");
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

PluginDirectory parse_plugins(const std::string& said) {
    try {
        const auto json = nlohmann::json::parse(said);
        PluginDirectory directory{answer::text(json, "dir"), answer::flag(json, "watched"), {}};
        for (const nlohmann::json& plugin : answer::list(json, "plugins"))
            directory.plugins.push_back(plugin_in(plugin));
        return directory;
    } catch (const nlohmann::json::exception& e) {
        throw answer::unreadable(e);
    } catch (const std::invalid_argument& e) {
        throw answer::unreadable(e);
    }
}

std::string route_text(const PluginStatus::Route& route) {
    const std::string type = route.type ? std::to_string(*route.type) : "any";
    return fmt::format("{}/{}", printable(route.queue),
                       route.name.empty() ? type : printable(route.name));
}

}  // namespace myq
