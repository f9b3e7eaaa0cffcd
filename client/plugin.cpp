#include "client/plugin.hpp"

#include "client/plugin_list.hpp"
#include "client/plugin_show.hpp"

#include <CLI/CLI.hpp>

namespace myq {

void add_plugin(CLI::App& app, const ConfigChoice& config) {
    CLI::App* verb = app.add_subcommand("plugin", "Look after handlers: list or show them");
    verb->require_subcommand(1);
    add_plugin_list(*verb, config);
    add_plugin_show(*verb, config);
}

}  // namespace myq
