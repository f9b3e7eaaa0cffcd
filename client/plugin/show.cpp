#include "client/plugin/show.hpp"

#include "client/daemon_status.hpp"
#include "client/failure.hpp"
#include "client/moment.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/plugin/status.hpp"
#include "config/suggestion.hpp"
#include "config/text.hpp"
#include "ipc/printable.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

namespace {

std::string plugin_field(std::string_view name, std::string_view value) {
    return value.empty() ? "" : fmt::format("{:<12}  {}\n", name, value);
}

const PluginStatus& find_plugin(const PluginDirectory& directory, const std::string& file) {
    std::vector<std::string_view> known;
    for (const PluginStatus& plugin : directory.plugins) {
        if (plugin.file == file) return plugin;
        known.emplace_back(plugin.file);
    }
    const auto meant = closest(file, known);
    throw Failure(ExitCode::unavailable,
                  fmt::format("{}: the daemon knows no plugin of this name: {}", myq::quoted(file),
                              meant ? fmt::format("did you mean '{}'?", *meant)
                                    : "see which there are: myq plugin list"));
}

// What became of the messages of a route: the daemon counts by queue and type.
std::string counts_of(const PluginStatus::Route& route, const DaemonStatus& status) {
    for (const DaemonStatus::Queue& queue : status.queues) {
        if (queue.name != route.queue) continue;
        for (const DaemonStatus::Type& type : queue.types) {
            if (type.type != route.type) continue;
            return fmt::format("handled {}, retried {}, dead {}, waiting {}", type.handled,
                               type.retried, type.dead, type.waiting());
        }
    }
    return "nothing yet";
}

std::string options_text(const PluginStatus& plugin) {
    std::string text;
    for (const PluginStatus::Option& option : plugin.options) {
        const std::string initially = option.required ? ", required"
                                      : option.default_value.empty()
                                          ? ""
                                          : ", default " + printable(option.default_value);
        text += plugin_field("option",
                             fmt::format("{} ({}{}){}", printable(option.name),
                                         printable(option.kind), initially,
                                         option.help.empty() ? "" : ": " + printable(option.help)));
    }
    return text;
}

std::string plugin_form(const PluginStatus& plugin, const DaemonStatus& status) {
    std::string text = plugin_field("file", printable(plugin.path));
    text += plugin_field("name", printable(plugin.name));
    text += plugin_field("version", printable(plugin.version));
    text += plugin_field("state", printable(plugin.state));
    if (plugin.since_ms)
        text += plugin_field("since", moment(*plugin.since_ms / 1000, now_ms() / 1000));
    text += plugin_field("refused", printable(plugin.reason));
    if (plugin.size) text += plugin_field("size", fmt::format("{} bytes", *plugin.size));
    text += plugin_field("build id", printable(plugin.build_id));
    text += plugin_field("names types", fmt::format("{}", fmt::join(plugin.types, ", ")));
    for (const PluginStatus::Route& route : plugin.routes) {
        text += plugin_field("handles", fmt::format("{} (by the {}): {}", route_text(route),
                                                    printable(route.by), counts_of(route, status)));
    }
    return text + options_text(plugin);
}

void show_plugin(const std::string& file, const ConfigChoice& config) {
    const PluginDirectory directory = parse_plugins(ask_for("plugins", config));
    const PluginStatus& plugin = find_plugin(directory, file);
    print_out(plugin_form(plugin, parse_daemon_status(ask_for("status", config))));
}

}  // namespace

void add_plugin_show(CLI::App& plugin, const ConfigChoice& config) {
    auto file = std::make_shared<std::string>();
    CLI::App* verb = plugin.add_subcommand("show", "Show everything about one plugin");
    verb->add_option("NAME", *file, "The name of its file, without .so")->required()->type_name("");
    verb->callback([file, &config] { show_plugin(*file, config); });
}

}  // namespace myq
