#include "client/peek.hpp"

#include "client/message_json.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/type.hpp"
#include "ipc/printable.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace myq {

namespace {

struct PeekOptions {
    PlaceOptions place;
    std::string type;
    std::uint64_t count = 10;
    bool json = false;
};

// The body in what is left of a terminal's line; whole where there is no terminal.
std::string shown(const Message& message, std::size_t used) {
    std::string text = printable(text_of(message));
    const unsigned width = output_width();
    if (width == 0) return text;
    const std::size_t room = std::max<std::size_t>(width, used + 10) - used;
    if (text.size() > room) text = text.substr(0, room - 3) + "...";
    return text;
}

std::string row(std::size_t index, const Message& message) {
    const std::string head =
        fmt::format("{:>5}  {:>10}  {:>6}  ", index, message.type, message.body.size());
    return head + shown(message, head.size()) + "\n";
}

std::string line(std::size_t index, const Message& message) {
    nlohmann::ordered_json json = {{"index", index}};
    json.update(to_json(message));
    return json.dump() + "\n";
}

void peek(const PeekOptions& options, const ConfigChoice& config) {
    const Place place = find(options.place, config);
    const bool every_type = options.type.empty() && place.type.empty();
    const std::int64_t type = every_type ? 0 : type_to_send(options.type, place);
    std::uint64_t shown_so_far = 0;
    for (std::size_t index = 0; shown_so_far < options.count; ++index) {
        const std::optional<Message> message = place.queue.peek(index);
        if (!message) break;
        if (!every_type && message->type != type) continue;
        if (!options.json && shown_so_far == 0) {
            print_out(fmt::format("{:>5}  {:>10}  {:>6}  {}\n", "INDEX", "TYPE", "SIZE", "BODY"));
        }
        print_out(options.json ? line(index, *message) : row(index, *message));
        ++shown_so_far;
    }
    if (shown_so_far == 0 && !options.json) {
        print_out(fmt::format("{}: nothing is waiting\n", place.name));
    }
}

}  // namespace

void add_peek(CLI::App& app, const ConfigChoice& config) {
    auto options = std::make_shared<PeekOptions>();
    CLI::App* verb =
        app.add_subcommand("peek", "Show the messages of a queue, oldest first, and leave them");
    options->place.add(*verb, "jobs, jobs/resize or jobs/7: a queue of the config");
    verb->add_option("--type", options->type, "Only messages of this type")->type_name("TYPE");
    verb->add_option("--count", options->count, "Show at most so many (10)")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
    verb->add_flag("--json", options->json, "One JSON object a line");
    verb->callback([options, &config] { peek(*options, config); });
}

}  // namespace myq
