#include "client/dead_change.hpp"

#include "client/counted.hpp"
#include "client/daemon_socket.hpp"
#include "client/dead_filter.hpp"
#include "client/failure.hpp"
#include "client/journal_access.hpp"
#include "client/moment.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "config/directories.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace myq {

namespace {

// The journal and the messages in it that are meant; no journal means none.
struct Chosen {
    std::filesystem::path run_dir;
    JournalFilter filter;
    std::unique_ptr<Journal> journal;
};

// The messages that a verb is about.
struct Kind {
    const char* verb;
    DeadFilter::Words words;
    JournalState state;
    const char* one;  // "dead message"
};
constexpr Kind the_dead_to(const char* verb) {
    return {
        verb, {"myq dead list", "died", "All dead messages"}, JournalState::dead, "dead message"};
}
constexpr Kind to_retry = the_dead_to("dead retry");
constexpr Kind to_drop_dead = the_dead_to("dead drop");
constexpr Kind to_drop = {
    "drop",
    {"myq peek --state delayed", "were accepted", "All messages that are put off"},
    JournalState::delayed,
    "message that is put off"};

Chosen choose(const DeadFilter& filter, const ConfigChoice& choice, const Kind& kind) {
    if (filter.is_empty() && !filter.all) {
        throw Failure(ExitCode::usage,
                      fmt::format("{}: which ones? Give numbers from {}, or what "
                                  "they have in common (--queue, --type, --since, --match), or "
                                  "--all",
                                  kind.verb, kind.words.list));
    }
    const std::optional<Config> config = choice.load_if_there();
    Chosen chosen;
    // Before open_journal(), behind which root is root no more.
    chosen.run_dir = run_directory(config ? config->daemon : DaemonConfig{}, choice.file());
    chosen.filter = filter.filter(config, now_ms());
    chosen.filter.states = {kind.state};
    chosen.journal = open_journal(config, choice.file());
    return chosen;
}

// Numbers are said one by one, so one that names nothing is a mistake.
void check_numbers(const Chosen& chosen, std::uint64_t found, const Kind& kind) {
    const std::size_t named = chosen.filter.rows.size();
    if (found >= named) return;
    const std::string which =
        named == 1 ? "this number" : fmt::format("{} of these {} numbers", named - found, named);
    throw Failure(ExitCode::unavailable,
                  fmt::format("no {}, or none that is as you say, has {}: see which there are: {}",
                              kind.one, which, kind.words.list));
}

// The daemon looks by itself only when something is due that it knows of.
void wake_daemon(const std::filesystem::path& run_dir) {
    try {
        if (ask_daemon(run_dir, "look\n")) return;
        say("myqd is not running: they will be tried when it starts");
    } catch (const Failure& e) {
        say(fmt::format("{}: they will be tried when it next looks by itself", e.what()));
    }
}

void retry(const DeadFilter& filter, const ConfigChoice& choice) {
    const Chosen chosen = choose(filter, choice, to_retry);
    Journal::Revived result;
    if (chosen.journal) result = chosen.journal->revive(chosen.filter);
    print_out(fmt::format("{} will be tried again\n", counted(result.revived, "message")));
    if (result.revived > 0) wake_daemon(chosen.run_dir);
    check_numbers(chosen, result.revived + result.blocked, to_retry);
    if (result.blocked > 0) {
        throw Failure(ExitCode::try_later,
                      fmt::format("{} stayed dead: one with the same unique key is waiting or "
                                  "running: try again when that is done",
                                  counted(result.blocked, "message")));
    }
}

void drop(const DeadFilter& filter, const ConfigChoice& choice, const Kind& kind) {
    const Chosen chosen = choose(filter, choice, kind);
    const std::uint64_t dropped =
        chosen.journal ? chosen.journal->drop(chosen.filter, now_ms()) : 0;
    print_out(fmt::format("{} dropped\n", counted(dropped, "message")));
    check_numbers(chosen, dropped, kind);
}

void add_dropping(CLI::App& app, const ConfigChoice& config, const Kind& kind, const char* name,
                  const char* help) {
    auto filter = std::make_shared<DeadFilter>();
    CLI::App* verb = app.add_subcommand(name, help);
    filter->add(*verb, kind.words);
    verb->callback([filter, &config, &kind] { drop(*filter, config, kind); });
}

}  // namespace

void add_dead_retry(CLI::App& dead, const ConfigChoice& config) {
    auto filter = std::make_shared<DeadFilter>();
    CLI::App* verb =
        dead.add_subcommand("retry", "Have dead messages tried again, all attempts before them");
    filter->add(*verb, to_retry.words);
    verb->callback([filter, &config] { retry(*filter, config); });
}

void add_dead_drop(CLI::App& dead, const ConfigChoice& config) {
    add_dropping(dead, config, to_drop_dead, "drop", "Throw dead messages away for good");
}

void add_drop(CLI::App& app, const ConfigChoice& config) {
    add_dropping(app, config, to_drop, "drop",
                 "Throw messages away that are put off: delayed, or to be tried again later");
}

}  // namespace myq
