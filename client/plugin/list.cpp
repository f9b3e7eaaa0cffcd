#include "client/plugin/list.hpp"

#include "client/moment.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/plugin/status.hpp"
#include "client/table.hpp"
#include "ipc/printable.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

namespace myq {

namespace {

// The routes, or what it would like to take.
std::string plugin_types(const PluginStatus& plugin) {
    std::string text;
    const auto add = [&](const std::string& one) { text += (text.empty() ? "" : ",") + one; };
    for (const PluginStatus::Route& route : plugin.routes)
        add(route_text(route));
    if (!text.empty()) return text;
    for (const std::int64_t type : plugin.types)
        add(std::to_string(type));
    return text.empty() ? "-" : fmt::format("({})", text);
}

// The row's first column and the line above the table say which file it is about.
std::string plugin_reason(const PluginStatus& plugin) {
    const std::string file = plugin.path + ": ";
    return plugin.reason.starts_with(file) ? plugin.reason.substr(file.size()) : plugin.reason;
}

std::vector<std::string> plugin_row(const PluginStatus& plugin, std::int64_t now) {
    return {printable(plugin.file),
            plugin.version.empty() ? "-" : printable(plugin.version),
            printable(plugin.state),
            plugin_types(plugin),
            plugin.since_ms ? span((now - *plugin.since_ms) / 1000) + " ago" : "-",
            printable(plugin_reason(plugin))};
}

void list_plugins(bool as_json, const ConfigChoice& config) {
    const std::string answer = ask_for("plugins", config);
    const PluginDirectory directory = parse_plugins(answer);
    if (as_json) return print_out(plain_json(answer));
    print_out(fmt::format("{} ({})\n", printable(directory.path),
                          directory.is_watched ? "watched" : "looked at on reload"));
    const unsigned width = output_width();
    Table table(
        {{"FILE"},
         {"VERSION"},
         {"STATE"},
         {"TYPES", Table::Align::left, width == 0 ? std::string::npos : std::max(width / 3, 20U)},
         {"SINCE"},
         {"REFUSED"}},
        width, print_out);
    for (const PluginStatus& plugin : directory.plugins)
        table.add(plugin_row(plugin, now_ms()));
    table.finish();
}

}  // namespace

void add_plugin_list(CLI::App& plugin, const ConfigChoice& config) {
    auto as_json = std::make_shared<bool>(false);
    CLI::App* verb =
        plugin.add_subcommand("list", "Show which plugins the daemon has, and which it refuses");
    verb->add_flag("--json", *as_json, "The daemon's own JSON object");
    verb->callback([as_json, &config] { list_plugins(*as_json, config); });
}

}  // namespace myq
