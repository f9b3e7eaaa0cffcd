#include "client/remove.hpp"

#include "client/counted.hpp"
#include "client/failure.hpp"
#include "client/output.hpp"
#include "client/place.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace myq {

namespace {

struct RemoveOptions {
    PlaceOptions place;
    bool force = false;
};

void remove(const RemoveOptions& options, const ConfigChoice& config) {
    const Place place = find_whole(options.place, config);
    const QueueStat stat = place.queue.stat_any();
    const std::string content =
        counted(stat.messages, "message") + ", " + counted(stat.bytes, "byte");
    if (stat.messages > 0 && !options.force) {
        throw Failure(ExitCode::data,
                      fmt::format("{}: it still holds {}: take them out first (myq recv), or "
                                  "remove it with all: --force",
                                  place.name, content));
    }
    place.queue.remove();
    print_out(fmt::format("{}: removed with {}\n", place.name, content));
}

}  // namespace

void add_remove(CLI::App& app, const ConfigChoice& config) {
    auto options = std::make_shared<RemoveOptions>();
    CLI::App* verb = app.add_subcommand("remove", "Remove a queue and say what was in it");
    options->place.add(*verb, "jobs: a queue of the config");
    verb->add_flag("--force", options->force, "Also if it still holds messages");
    verb->callback([options, &config] { remove(*options, config); });
}

}  // namespace myq
