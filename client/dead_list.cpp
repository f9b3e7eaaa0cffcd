#include "client/dead_list.hpp"

#include "client/body_head.hpp"
#include "client/dead_filter.hpp"
#include "client/entry_json.hpp"
#include "client/journal_access.hpp"
#include "client/message_json.hpp"
#include "client/moment.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/table.hpp"
#include "client/type.hpp"
#include "config/whole_number.hpp"
#include "ipc/printable.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace myq {

namespace {

struct ListOptions {
    DeadFilter filter;
    std::uint64_t count = 50;
    bool json = false;
};

Table make_table() {
    const unsigned width = output_width();
    // On a terminal the reason leaves room for the body.
    const std::size_t widest = width == 0 ? std::string::npos : std::max(width / 3, 20U);
    using Align = Table::Align;
    return {{{"NUMBER", Align::right},
             {"QUEUE/TYPE", Align::left, widest},
             {"DIED"},
             {"ATTEMPTS", Align::right},
             {"REASON", Align::left, widest},
             {"BODY"}},
            width,
            print_out};
}

std::vector<std::string> row(const JournalEntry& entry, const std::optional<Config>& config,
                             std::int64_t now_ms) {
    const std::int64_t died_ms = entry.died_ms.value_or(now_ms);
    return {
        std::to_string(entry.row),
        fmt::format("{}/{}", printable(entry.queue), type_text(config, entry.queue, entry.type)),
        span((now_ms - died_ms) / 1000) + " ago",
        std::to_string(entry.attempts),
        printable(entry.reason),
        body_head(text_of(entry.body))};
}

// How many there are behind those shown; whoever has ten million does not want to wait for a
// number.
constexpr std::uint64_t most_counted = 10'000;

std::string remainder(std::uint64_t seen, std::uint64_t shown) {
    const std::uint64_t more = seen - shown;
    return fmt::format("... and {} more: list them all with --all\n",
                       more < most_counted ? std::to_string(more)
                                           : fmt::format("{} or", most_counted));
}

// Shows what the filter lets through, the first `most` of it. Returns how many it met.
std::uint64_t show(Journal& journal, const JournalFilter& filter, std::uint64_t most, bool as_json,
                   const std::optional<Config>& config, std::int64_t now_ms) {
    std::uint64_t seen = 0;
    Table table = make_table();
    journal.list(filter, now_ms, [&](const JournalEntry& entry) {
        if (++seen > most) return;
        if (as_json) {
            print_out(json_line(to_json(entry, false)));
        } else {
            table.add(row(entry, config, now_ms));
        }
    });
    table.finish();
    return seen;
}

void list(const ListOptions& options, const ConfigChoice& choice) {
    const std::optional<Config> config = choice.load_if_there();
    const std::int64_t now = now_ms();
    const std::uint64_t most =
        options.filter.all ? std::numeric_limits<std::uint64_t>::max() : options.count;
    JournalFilter filter = options.filter.filter(config, now);
    if (!options.filter.all) filter.limit = options.count + (options.json ? 0 : most_counted);
    const auto journal = open_journal(config, choice.file());
    const std::uint64_t seen =
        journal ? show(*journal, filter, most, options.json, config, now) : 0;
    if (options.json) return;
    if (seen > most) print_out(remainder(seen, most));
    if (seen > 0) return;
    print_out(options.filter.is_empty() ? "no message is dead\n" : "no dead message is such\n");
}

}  // namespace

void add_dead_list(CLI::App& dead, const ConfigChoice& config) {
    auto options = std::make_shared<ListOptions>();
    CLI::App* verb = dead.add_subcommand("list", "Show which messages are dead, and why");
    options->filter.add(*verb, {"myq dead list", "died", "All that there are, not only the first"});
    verb->add_option("--count", options->count, "Show at most so many, oldest first (50)")
        ->check(whole_number(1, 1'000'000'000))
        ->type_name("N");
    verb->add_flag("--json", options->json, "One JSON object a line");
    verb->callback([options, &config] { list(*options, config); });
}

}  // namespace myq
