#include "client/dead.hpp"

#include "client/dead_change.hpp"
#include "client/dead_list.hpp"
#include "client/dead_replay.hpp"
#include "client/dead_show.hpp"

#include <CLI/CLI.hpp>

namespace myq {

void add_dead(CLI::App& app, const ConfigChoice& config) {
    CLI::App* verb = app.add_subcommand(
        "dead", "Look after messages that are given up: list, show, replay, retry or drop them");
    verb->require_subcommand(1);
    add_dead_list(*verb, config);
    add_dead_show(*verb, config);
    add_dead_replay(*verb, config);
    add_dead_retry(*verb, config);
    add_dead_drop(*verb, config);
}

}  // namespace myq
