#include "client/dead_replay.hpp"

#include "client/failure.hpp"
#include "client/find_program.hpp"
#include "client/journal_access.hpp"
#include "client/message_json.hpp"
#include "client/moment.hpp"
#include "client/place.hpp"
#include "client/take_place.hpp"
#include "client/type.hpp"
#include "config/duration.hpp"
#include "config/whole_number.hpp"
#include "ipc/printable.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace myq {

namespace {

struct ReplayOptions {
    std::int64_t number = 0;
    std::filesystem::path plugin;
    bool in_debugger = false;
};

// Who takes messages of its type there: its own handler, else the one for `any`.
const HandlerConfig* handler_of(const JournalEntry& entry, const std::optional<Config>& config) {
    const HandlerConfig* found = nullptr;
    if (!config) return found;
    for (const QueueConfig& queue : config->queues) {
        if (queue.name != entry.queue) continue;
        for (const HandlerConfig& handler : queue.handlers) {
            if (handler.type == entry.type) return &handler;
            if (!handler.type) found = &handler;
        }
    }
    return found;
}

// A file in memory, for nobody else, that programs which take the place of this one find by its
// name: standard input stays the terminal's, for a debugger, and a command line is for all to see.
std::string file_of(const char* what, std::string_view content) {
    const int fd = memfd_create(what, 0);  // NOLINT(android-cloexec-memfd-create): see above
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
    if (fchmod(fd, 0600) != 0) throw std::system_error(errno, std::generic_category(), "fchmod");
    for (std::size_t at = 0; at < content.size();) {
        const ssize_t n = write(fd, content.data() + at, content.size() - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw std::system_error(errno, std::generic_category(), "write");
        at += static_cast<std::size_t>(n);
    }
    return fmt::format("/proc/{}/fd/{}", getpid(), fd);
}

const char* format_name(HandlerConfig::Format format) {
    switch (format) {
    case HandlerConfig::Format::php:
        return "php";
    case HandlerConfig::Format::json:
        return "json";
    case HandlerConfig::Format::raw:
        break;
    }
    return "raw";
}

void add_handler(std::vector<std::string>& words, const HandlerConfig& handler, bool has_limit) {
    const auto add = [&](const char* option, const std::string& value) {
        words.insert(words.end(), {option, value});
    };
    if (!handler.name.empty()) add("--name", handler.name);
    add("--format", format_name(handler.format));
    if (handler.timeout && has_limit) add("--timeout", duration_text(*handler.timeout));
    if (handler.options.empty()) return;
    nlohmann::ordered_json options;  // which is YAML as well
    for (const OptionConfig& option : handler.options)
        options[option.name] = option.values;
    add("--options", file_of("options", json_line(options)));
}

std::filesystem::path plugin_of(const ReplayOptions& options, const JournalEntry& entry,
                                const HandlerConfig* handler, const std::optional<Config>& config) {
    if (!options.plugin.empty()) return std::filesystem::absolute(options.plugin);
    if (handler != nullptr) return config->plugins.dir / (handler->plugin + ".so");
    throw Failure(ExitCode::config,
                  fmt::format("{}: the configuration names no handler for type {} of queue {}: say "
                              "whose it is: --plugin FILE",
                              entry.row, entry.type, entry.queue));
}

std::vector<std::string> command_for(const ReplayOptions& options, const JournalEntry& entry,
                                     const std::optional<Config>& config,
                                     const ConfigChoice& choice) {
    const HandlerConfig* handler = handler_of(entry, config);
    std::vector<std::string> words;
    if (options.in_debugger) words = {found("gdb"), "--args"};
    words.insert(words.end(), {found("myqd"), "-c", choice.file().string(), "--try", "--plugin",
                               plugin_of(options, entry, handler, config).string(), "--type",
                               std::to_string(entry.type), "--queue", entry.queue, "--attempt",
                               std::to_string(std::clamp(entry.attempts, 1U, 1000U))});
    if (entry.id.is_set()) words.insert(words.end(), {"--id", entry.id.text()});
    // Whoever steps through it has time.
    if (handler != nullptr) add_handler(words, *handler, !options.in_debugger);
    if (options.in_debugger) words.emplace_back("--no-fork");
    words.insert(words.end(), {"--body", file_of("message", text_of(entry.body))});
    return words;
}

// myqd takes the place of this process; it never hears of the journal.
void replay(const ReplayOptions& options, const ConfigChoice& choice) {
    const std::optional<Config> config = choice.load_if_there();
    auto journal = open_journal(config, choice.file());
    const std::optional<JournalEntry> entry =
        journal ? journal->find(options.number, now_ms()) : std::nullopt;
    journal.reset();
    if (!entry) {
        throw Failure(ExitCode::unavailable,
                      fmt::format("{}: no message has this number, or it is no more: see which "
                                  "there are: myq dead list",
                                  options.number));
    }
    const std::vector<std::string> words = command_for(options, *entry, config, choice);
    take_place(words, options.in_debugger ? "gdb" : "myq");
}

}  // namespace

void add_dead_replay(CLI::App& dead, const ConfigChoice& config) {
    auto options = std::make_shared<ReplayOptions>();
    CLI::App* verb = dead.add_subcommand(
        "replay", "Hand this very message to its handler, in the foreground; it stays as it is");
    verb->add_option("NUMBER", options->number, "Its number in myq dead list")
        ->check(whole_number(1))
        ->required()
        ->type_name("");
    verb->add_option("--plugin", options->plugin, "This plugin, NAME.so, in place of its own")
        ->type_name("FILE");
    verb->add_flag("--gdb", options->in_debugger,
                   "Run the handler in the debugger, with no timeout");
    verb->callback([options, &config] { replay(*options, config); });
}

}  // namespace myq
