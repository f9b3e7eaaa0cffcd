#include "client/plugin.hpp"

#include "client/plugin/check.hpp"
#include "client/plugin/list.hpp"
#include "client/plugin/new.hpp"
#include "client/plugin/show.hpp"
#include "client/plugin/try.hpp"

#include <CLI/CLI.hpp>

namespace myq {

void add_plugin(CLI::App& app, const ConfigChoice& config) {
    CLI::App* verb = app.add_subcommand("plugin", "Write, check, try, list or show plugins");
    verb->require_subcommand(1);
    add_plugin_list(*verb, config);
    add_plugin_show(*verb, config);
    add_plugin_new(*verb);
    add_plugin_check(*verb, config);
    add_plugin_try(*verb, config);
}

}  // namespace myq
