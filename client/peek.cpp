#include "client/peek.hpp"

#include "client/entry_json.hpp"
#include "client/envelope_text.hpp"
#include "client/failure.hpp"
#include "client/journal_access.hpp"
#include "client/moment.hpp"
#include "client/output.hpp"
#include "client/peek_journal.hpp"
#include "client/place.hpp"
#include "client/type.hpp"
#include "config/text.hpp"
#include "config/whole_number.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace myq {

namespace {

struct PeekOptions {
    PlaceOptions place;
    std::string type;
    std::vector<std::string> states;
    std::uint64_t count = 10;
    bool json = false;
};

std::set<JournalState> parse_states(const std::vector<std::string>& words) {
    constexpr std::array all = {JournalState::ready, JournalState::delayed, JournalState::running,
                                JournalState::dead};
    std::set<JournalState> states;
    for (const std::string& word : words) {
        const auto* state = std::find_if(all.begin(), all.end(),
                                         [&](JournalState one) { return word == name(one); });
        if (state == all.end()) {
            throw Failure(ExitCode::usage,
                          fmt::format("--state {}: there is none such: use waiting, delayed, "
                                      "running or dead",
                                      myq::quoted(word)));
        }
        states.insert(*state);
    }
    return states;
}

// The message in what is left of a terminal's line; whole where there is no terminal.
std::string shown(const Message& message, uid_t owner, std::size_t used) {
    std::string text = shown_message(message.body, owner, now_ms());
    const unsigned width = output_width();
    if (width == 0) return text;
    const std::size_t room = std::max<std::size_t>(width, used + 10) - used;
    if (text.size() > room) text = text.substr(0, room - 3) + "...";
    return text;
}

std::string row(std::size_t index, const Message& message, uid_t owner) {
    const std::string head =
        fmt::format("{:>5}  {:>10}  {:>6}  ", index, message.type, message.body.size());
    return head + shown(message, owner, head.size()) + "\n";
}

std::string line(std::size_t index, const Message& message, uid_t owner) {
    nlohmann::ordered_json json = {{"index", index}};
    json.update(message_to_json(message.type, message.body, owner));
    return json_line(json);
}

// The type that is asked for, in one of the two places where it may stand.
std::optional<std::int64_t> wanted_type(const PeekOptions& options, const Address& address) {
    if (options.type.empty() && address.type.empty()) return std::nullopt;
    return type_to_send(options.type, address);
}

// What waits in the kernel queue. Returns how many it showed.
std::uint64_t show_kernel(const Place& place, const PeekOptions& options) {
    const std::optional<std::int64_t> type = wanted_type(options, place);
    const uid_t owner = place.queue.stat_any().uid;
    std::uint64_t shown_so_far = 0;
    for (std::size_t index = 0; shown_so_far < options.count; ++index) {
        const std::optional<Message> message = place.queue.peek(index);
        if (!message) break;
        if (type && message->type != *type) continue;
        if (!options.json && shown_so_far == 0) {
            print_out(fmt::format("{:>5}  {:>10}  {:>6}  {}\n", "INDEX", "TYPE", "SIZE", "BODY"));
        }
        print_out(options.json ? line(index, *message, owner) : row(index, *message, owner));
        ++shown_so_far;
    }
    return shown_so_far;
}

// Null when there is none, or it is not the caller's and the kernel queue is shown already.
std::unique_ptr<Journal> journal_if_open(const Config& config, bool is_all) {
    try {
        return open_journal(config, config.source);
    } catch (const Failure& e) {
        if (e.code() != ExitCode::permission || is_all) throw;
        say(fmt::format("{}: only the kernel queue is shown", e.what()));
        return nullptr;
    }
}

std::uint64_t show_journal(const Address& address, const Config& config,
                           const std::set<JournalState>& states, const PeekOptions& options,
                           std::uint64_t shown_above) {
    const bool is_all = !states.empty() && !states.contains(JournalState::ready);
    const auto journal = journal_if_open(config, is_all);
    if (!journal) return 0;
    JournalFilter filter;
    filter.queue = address.name;
    filter.type = wanted_type(options, address);
    filter.states = states;
    filter.limit = options.count;
    return show_journaled(*journal, filter, config, options.json, [&] {
        if (shown_above > 0 && !options.json) print_out("\n");
    });
}

// Both parts, one after the other: what root may see of the kernel queue comes first, since the
// journal is opened as its owner. A queue that is not there just now may still have its journal.
void peek_named(const PeekOptions& options, const ConfigChoice& choice) {
    const std::set<JournalState> states = parse_states(options.states);
    const Config config = choice.load();
    const Address address = address_of(options.place.dest, config);
    std::optional<Failure> missing;
    std::uint64_t shown = 0;
    if (states.empty() || states.contains(JournalState::ready)) {
        try {
            shown = show_kernel(find(options.place, choice), options);
        } catch (const Failure& e) {
            if (e.code() != ExitCode::unavailable) throw;
            missing = e;
        }
    }
    shown += show_journal(address, config, states, options, shown);
    if (shown == 0 && missing) throw Failure(*missing);
    if (shown == 0 && !options.json) {
        print_out(
            fmt::format("{}: {}\n", address.name,
                        states.empty() ? "nothing is waiting" : "no message is in that state"));
    }
}

void peek(const PeekOptions& options, const ConfigChoice& choice) {
    const bool is_named = options.place.key.empty() && !options.place.id;
    if (is_named && !options.place.dest.empty()) return peek_named(options, choice);
    const Place place = find(options.place, choice);
    if (!options.states.empty()) {
        throw Failure(ExitCode::usage, fmt::format("--state: {}: only a queue that is named by the "
                                                   "config has states: give its name",
                                                   place.name));
    }
    if (show_kernel(place, options) == 0 && !options.json) {
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
    verb->add_option("--state", options->states,
                     "Only waiting, delayed, running or dead ones; may be repeated")
        ->allow_extra_args(false)
        ->type_name("STATE");
    verb->add_option("--count", options->count,
                     "Show at most so many of the kernel queue, and of the journal (10)")
        ->check(whole_number(1))
        ->type_name("N");
    verb->add_flag("--json", options->json, "One JSON object a line");
    verb->callback([options, &config] { peek(*options, config); });
}

}  // namespace myq
