#include "client/dead_show.hpp"

#include "client/counted.hpp"
#include "client/entry_json.hpp"
#include "client/failure.hpp"
#include "client/journal_access.hpp"
#include "client/message_json.hpp"
#include "client/moment.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/type.hpp"
#include "config/whole_number.hpp"
#include "ipc/printable.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace myq {

namespace {

struct ShowOptions {
    std::int64_t number = 0;
    bool raw = false;
    bool json = false;
};

std::string field(std::string_view name, std::string_view value) {
    return fmt::format("{:<12}  {}\n", name, value);
}

std::string time_field(std::string_view name, std::optional<std::int64_t> time_ms,
                       std::int64_t now_ms) {
    return time_ms ? field(name, moment(*time_ms / 1000, now_ms / 1000)) : "";
}

std::string type_field(const JournalEntry& entry, const std::optional<Config>& config) {
    const std::string number = std::to_string(entry.type);
    const std::string name = type_text(config, entry.queue, entry.type);
    return field("type", name == number ? number : fmt::format("{} ({})", number, name));
}

std::string history(const JournalEntry& entry, std::int64_t now_ms) {
    std::string text;
    for (const Attempt& attempt : entry.history) {
        text += field(fmt::format("attempt {}", attempt.number),
                      fmt::format("{}: {}", moment(attempt.at_ms / 1000, now_ms / 1000),
                                  printable(attempt.cause)));
    }
    return text;
}

// A line each, as the daemon wrote them.
std::string autopsy_fields(std::string_view lines) {
    std::string text;
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        text += field(text.empty() ? "autopsy" : "", printable(line));
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    }
    return text;
}

std::string body_field(const JournalEntry& entry) {
    constexpr std::size_t most = 1024;
    const std::string_view body = text_of(entry.body);
    const char* more = body.size() > most ? "... (all of it: --raw)" : "";
    return field("body", printable(body.substr(0, most)) + more);
}

std::string form(const JournalEntry& entry, const std::optional<Config>& config,
                 std::int64_t now_ms) {
    std::string text = field("number", std::to_string(entry.row));
    text += field("queue", printable(entry.queue));
    text += type_field(entry, config);
    text += field("state", name(entry.state));
    if (!entry.reason.empty()) text += field("reason", printable(entry.reason));
    if (entry.id.is_set()) text += field("id", entry.id.text());
    if (!entry.unique_key.empty()) text += field("unique key", printable(entry.unique_key));
    text += time_field("accepted", entry.accepted_ms, now_ms);
    if (entry.state == JournalState::delayed) text += time_field("due", entry.due_ms, now_ms);
    text += time_field("expires", entry.expires_ms, now_ms);
    text += time_field("died", entry.died_ms, now_ms);
    text += field("attempts", std::to_string(entry.attempts));
    text += history(entry, now_ms);
    text += autopsy_fields(entry.autopsy);
    text += field("size", counted(entry.body.size(), "byte"));
    return text + body_field(entry);
}

void show(const ShowOptions& options, const ConfigChoice& choice) {
    const std::optional<Config> config = choice.load_if_there();
    const std::int64_t now = now_ms();
    const auto journal = open_journal(config, choice.file());
    const std::optional<JournalEntry> entry =
        journal ? journal->find(options.number, now) : std::nullopt;
    if (!entry) {
        throw Failure(ExitCode::unavailable,
                      fmt::format("{}: no message has this number, or it is no more: see which "
                                  "there are: myq dead list",
                                  options.number));
    }
    if (options.raw) return print_body(text_of(entry->body));
    print_out(options.json ? json_line(to_json(*entry, true)) : form(*entry, config, now));
}

}  // namespace

void add_dead_show(CLI::App& dead, const ConfigChoice& config) {
    auto options = std::make_shared<ShowOptions>();
    CLI::App* verb =
        dead.add_subcommand("show", "Show everything about a message, and all its attempts");
    verb->add_option("NUMBER", options->number, "Its number in myq dead list")
        ->check(whole_number(1))
        ->required()
        ->type_name("");
    CLI::Option* raw =
        verb->add_flag("--raw", options->raw, "Write its body to standard output, as it is");
    verb->add_flag("--json", options->json, "One JSON object")->excludes(raw);
    verb->callback([options, &config] { show(*options, config); });
}

}  // namespace myq
