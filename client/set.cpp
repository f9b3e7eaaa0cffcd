#include "client/set.hpp"

#include "client/failure.hpp"
#include "client/place.hpp"
#include "client/queue_options.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace myq {

namespace {

struct SetOptions {
    PlaceOptions place;
    QueueOptions queue;
};

}  // namespace

void add_set(CLI::App& app, const ConfigChoice& config) {
    auto options = std::make_shared<SetOptions>();
    CLI::App* verb = app.add_subcommand("set", "Change owner, group, mode and capacity of a queue");
    options->place.add(*verb, "jobs: a queue of the config");
    options->queue.add(*verb);
    verb->callback([options, &config] {
        if (!options->queue.any()) {
            throw Failure(ExitCode::usage, "set: nothing to change: give --mode, --user, --group "
                                           "or --capacity");
        }
        const QueueSettings settings = options->queue.settings();
        find_whole(options->place, config).queue.set(settings);
    });
}

}  // namespace myq
