#include "client/send.hpp"

#include "client/body_reader.hpp"
#include "client/confirmed_sender.hpp"
#include "client/failure.hpp"
#include "client/moment.hpp"
#include "client/option_kinds.hpp"
#include "client/output.hpp"
#include "client/php_text.hpp"
#include "client/place.hpp"
#include "client/progress.hpp"
#include "client/sender.hpp"
#include "client/type.hpp"
#include "client/waiting.hpp"
#include "config/whole_number.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace myq {

namespace {

struct SendOptions {
    PlaceOptions place;
    std::optional<std::string> body;
    std::string file;
    std::string type;
    bool lines = false;
    bool php = false;
    bool blob = false;
    EnvelopeWishes wishes;
    std::size_t window = 256;
    Patience patience;
    bool json = false;
};

// Where the bodies come from: a file, "-" for standard input, or nothing, when BODY is the body.
std::optional<std::string> input_of(const SendOptions& options) {
    const bool body_is_given = options.body && *options.body != "-";
    if (options.lines && body_is_given) {
        throw Failure(ExitCode::usage, "--lines: the body is an argument already: give the lines "
                                       "with --file or on standard input");
    }
    if (!options.file.empty()) {
        if (!options.body) return options.file;
        throw Failure(ExitCode::usage,
                      "--file: the body is named twice: leave out --file or the body");
    }
    if (body_is_given) return std::nullopt;
    if (!options.body && isatty(STDIN_FILENO) == 1) {
        throw Failure(ExitCode::usage, "no body: nothing is piped in: give it as an argument, with "
                                       "--file, or type it after '-'");
    }
    return "-";
}

Sender::Tell teller(const SendOptions& options) {
    if (!options.json) return [](const Fate&) {};
    return [lines = options.lines](const Fate& fate) {
        nlohmann::ordered_json json;
        if (lines) json["line"] = fate.number;
        json["id"] = fate.id ? nlohmann::ordered_json(fate.id->text()) : nlohmann::ordered_json();
        json["status"] = fate.status;
        print_out(json_line(json));
    };
}

std::unique_ptr<Sender> make_sender(const SendOptions& options, const Outlet& outlet,
                                    const std::optional<Wrapper>& wrapper, const BodyLimit& limit,
                                    Progress& progress) {
    if (!options.wishes.waits()) {
        return std::make_unique<PlainSender>(outlet, wrapper, limit, progress, teller(options));
    }
    const ConfirmedSender::Settings settings{.window = options.window,
                                             .unique = options.wishes.unique.value_or(""),
                                             .lines = options.lines};
    return std::make_unique<ConfirmedSender>(outlet, *wrapper, limit, settings, progress,
                                             teller(options));
}

// The next line. One that cannot be had ends it all, but not before it is known what became of
// those before it.
std::optional<std::string_view> next_line(BodyReader& reader, Sender& sender) {
    try {
        return reader.line();
    } catch (const Failure& e) {
        const bool is_about_input = e.code() == ExitCode::data || e.code() == ExitCode::no_input;
        if (is_about_input) sender.finish();
        throw;
    }
}

// Sends each line; whatever ends this early also says how many got how far.
void send_lines(Sender& sender, BodyReader& reader, bool php, Progress& progress) {
    reader.when_idle([&] {
        sender.idle([&] { return reader.is_ready(); });
        progress.advance(sender.done(), reader.bytes_read());
    });
    try {
        while (const auto line = next_line(reader, sender)) {
            if (php) {
                sender.send(php_from_json(*line));
            } else {
                sender.send(*line);
            }
            progress.advance(sender.done(), reader.bytes_read());
        }
        sender.finish();
        progress.advance(sender.done(), reader.bytes_read());
    } catch (const Failure& e) {
        throw Failure(e.code(), fmt::format("{} ({})", e.what(), sender.count()));
    } catch (const IpcError& e) {
        const Failure failure = as_failure(e);
        throw Failure(failure.code(), fmt::format("{} ({})", failure.what(), sender.count()));
    } catch (const Interrupted& e) {
        throw Interrupted{e.signal, fmt::format("interrupted: {}", sender.count())};
    }
}

void send_one(Sender& sender, std::string_view body, Progress& progress) {
    sender.send(body);
    sender.finish();
    progress.advance(sender.done(), body.size());
}

std::optional<Wrapper> wrapper_for(const SendOptions& options) {
    if (!options.wishes.any()) return std::nullopt;
    if (options.lines && options.wishes.unique) {
        throw Failure(ExitCode::usage, "--unique: with --lines every line would have the same key: "
                                       "send them one by one");
    }
    return Wrapper(options.wishes, now_ms());
}

// The longest body that the reader of the queue takes out of shared memory; nullopt if nobody knows
// that it can.
std::optional<std::uint64_t> max_body_of(const Place& place, const SendOptions& options,
                                         const ConfigChoice& choice) {
    if (place.config) return place.config->max_body;
    const std::uint64_t usual = QueueConfig{}.max_body;
    try {
        const std::optional<Config> config = choice.load_if_there();
        const key_t key = place.queue.stat_any().key;
        for (const QueueConfig& queue : config ? config->queues : std::vector<QueueConfig>{})
            if (queue.key.value() == key) return queue.max_body;
    } catch (const ConfigError&) {
        // It is not asked for: the queue was named without it.
    }
    return options.blob ? std::optional(usual) : std::nullopt;
}

BodyLimit limit_for(const Place& place, const SendOptions& options, const ConfigChoice& choice,
                    std::size_t overhead) {
    const std::size_t largest = largest_body();
    // What is short anyway needs no look at the configuration.
    const bool is_short = options.body && options.file.empty() && *options.body != "-" &&
                          !options.php && options.body->size() + overhead <= largest;
    const auto max_body = is_short ? std::nullopt : max_body_of(place, options, choice);
    if (!max_body) return {largest, overhead};
    return {std::min<std::size_t>(largest, place.queue.stat_any().capacity), overhead, max_body};
}

void send(SendOptions options, const ConfigChoice& config) {
    // DEST is left out when a number names the queue: then the first word is the body.
    if (!options.place.key.empty() || options.place.id) {
        if (!options.body && !options.place.dest.empty()) {
            options.body = std::exchange(options.place.dest, {});
        }
    }
    const std::optional<std::string> input = input_of(options);
    const std::optional<Wrapper> wrapper = wrapper_for(options);
    const Place place = find(options.place, config);
    const Outlet outlet(place, type_to_send(options.type, place), options.patience);
    const BodyLimit limit = limit_for(place, options, config, wrapper ? wrapper->overhead() : 0);
    const Waiting waiting;
    // What cannot be printed is an error and not the end: a queue for answers must be removed.
    if (options.json) std::signal(SIGPIPE, SIG_IGN);
    std::optional<BodyReader> reader;
    if (input) reader.emplace(*input, limit);
    Progress progress(options.lines ? reader->size() : std::nullopt,
                      options.wishes.waits() ? "confirmed" : "sent");
    const auto sender = make_sender(options, outlet, wrapper, limit, progress);
    if (options.lines) return send_lines(*sender, *reader, options.php, progress);
    const std::string_view body = input ? reader->all() : std::string_view(*options.body);
    if (options.php) return send_one(*sender, php_from_json(body), progress);
    send_one(*sender, body, progress);
}

void add_body(CLI::App& verb, SendOptions& options) {
    verb.add_option("BODY", options.body, "The body; '-' or nothing: standard input as it is")
        ->type_name("");
    verb.add_option("--type", options.type, "The type: 1 to 2^63-1, or a handler's name")
        ->type_name("TYPE");
    verb.add_option("--file", options.file, "Send what this file holds")->type_name("FILE");
    verb.add_flag("--blob", options.blob,
                  "A body that is too long for the kernel may go through shared memory, though no "
                  "config says that myqd reads there");
    verb.add_flag("--php", options.php,
                  "The body is JSON, and is sent as PHP's serialize() writes it");
}

}  // namespace

void add_send(CLI::App& app, const ConfigChoice& config) {
    auto options = std::make_shared<SendOptions>();
    CLI::App* verb = app.add_subcommand("send", "Put a message, or one for every line, into a "
                                                "queue that exists");
    options->place.add(*verb, "jobs, jobs/resize or jobs/7: a queue of the config, with a type");
    add_body(*verb, *options);
    CLI::Option* lines =
        verb->add_flag("--lines", options->lines, "Send every line as a message, empty ones too");
    CLI::Option* nowait = verb->add_flag("--nowait", options->patience.nowait,
                                         "Fail with status 75 if the queue is full");
    add_duration(*verb, "--timeout", options->patience.timeout,
                 "Wait at most so long for room, or an answer, such as 30s, for each message")
        ->excludes(nowait);
    options->wishes.add(*verb);
    verb->add_option("--window", options->window,
                     "With --lines --confirm: so many unconfirmed at a time (256)")
        ->check(whole_number(1, 65536))
        ->type_name("N")
        ->needs(lines)
        ->needs(verb->get_option("--confirm"));
    verb->add_flag("--json", options->json, "Print id and status, one JSON object a message");
    verb->callback([options, &config] { send(*options, config); });
}

}  // namespace myq
