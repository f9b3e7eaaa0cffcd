#include "client/send.hpp"

#include "client/body_reader.hpp"
#include "client/counted.hpp"
#include "client/failure.hpp"
#include "client/option_kinds.hpp"
#include "client/place.hpp"
#include "client/progress.hpp"
#include "client/type.hpp"
#include "client/waiting.hpp"
#include "config/duration.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace myq {

namespace {

struct SendOptions {
    PlaceOptions place;
    std::optional<std::string> body;
    std::string file;
    std::string type;
    bool lines = false;
    bool nowait = false;
    std::optional<std::chrono::milliseconds> timeout;
};

// "queue full (16384 of 16384 bytes, 256 messages)"; needs no permission to look.
std::string fullness(const QueueStat& stat) {
    return fmt::format("queue full ({} of {} bytes, {})", stat.bytes, stat.capacity,
                       counted(stat.messages, "message"));
}

// Puts bodies of one type into one queue, as patiently as the user wants.
class Sender {
public:
    Sender(const Place& place, std::int64_t type, const SendOptions& options)
        : place_(place),
          type_(type),
          options_(options) {}

    void send(std::string_view body, Progress& progress) const {
        const std::span<const std::byte> bytes = std::as_bytes(std::span(body));
        Waiting::check();
        if (place_.queue.send(type_, bytes, Wait::no) == SendStatus::sent) return;
        refuse_what_never_fits(body);
        if (options_.nowait) throw still_full("try again later, or wait with --timeout");
        const bool sent = Waiting::until(
            [&] { return place_.queue.send(type_, bytes) == SendStatus::sent; }, options_.timeout,
            [&] { progress.wait(fullness(place_.queue.stat_any())); });
        if (!sent) {
            throw still_full(fmt::format("nothing was taken from it for {}: is its reader running?",
                                         duration_text(*options_.timeout)));
        }
    }

private:
    Failure still_full(const std::string& advice) const {
        return {ExitCode::try_later,
                fmt::format("{}: {}: {}", place_.name, fullness(place_.queue.stat_any()), advice)};
    }

    // The kernel lets such a sender wait for ever.
    void refuse_what_never_fits(std::string_view body) const {
        const QueueStat stat = place_.queue.stat_any();
        if (body.size() <= stat.capacity && stat.capacity > 0) return;
        throw Failure(ExitCode::data,
                      fmt::format("{}: a body of {} bytes never fits into a queue of {}: send "
                                  "less, or raise the capacity: myq set --id {} --capacity N",
                                  place_.name, body.size(), stat.capacity, stat.id));
    }

    const Place& place_;
    std::int64_t type_;
    const SendOptions& options_;
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

// Sends each line; whatever ends this early also says how many are sent.
void send_lines(const Sender& sender, const std::string& input, std::size_t limit) {
    BodyReader reader(input, limit);
    std::uint64_t sent = 0;
    const auto count = [&] { return fmt::format("{} sent", counted(sent, "message")); };
    Progress progress(reader.size());
    try {
        while (const auto line = reader.line()) {
            sender.send(*line, progress);
            progress.advance(++sent, reader.bytes_read());
        }
    } catch (const Failure& e) {
        throw Failure(e.code(), fmt::format("{} ({})", e.what(), count()));
    } catch (const IpcError& e) {
        const Failure failure = as_failure(e);
        throw Failure(failure.code(), fmt::format("{} ({})", failure.what(), count()));
    } catch (const Interrupted& e) {
        throw Interrupted{e.signal, fmt::format("interrupted: {}", count())};
    }
}

void send(SendOptions options, const ConfigChoice& config) {
    // DEST is left out when a number names the queue: then the first word is the body.
    if (!options.place.key.empty() || options.place.id) {
        if (!options.body && !options.place.dest.empty()) {
            options.body = std::exchange(options.place.dest, {});
        }
    }
    const std::optional<std::string> input = input_of(options);
    const Place place = find(options.place, config);
    const Sender sender(place, type_to_send(options.type, place), options);
    const std::size_t limit = largest_body();
    const Waiting waiting;
    if (options.lines) return send_lines(sender, *input, limit);
    Progress progress(std::nullopt);
    if (!input) return sender.send(*options.body, progress);
    BodyReader reader(*input, limit);
    sender.send(reader.all(), progress);
}

}  // namespace

void add_send(CLI::App& app, const ConfigChoice& config) {
    auto options = std::make_shared<SendOptions>();
    CLI::App* verb = app.add_subcommand("send", "Put a message, or one for every line, into a "
                                                "queue that exists");
    options->place.add(*verb, "jobs, jobs/resize or jobs/7: a queue of the config, with a type");
    verb->add_option("BODY", options->body, "The body; '-' or nothing: standard input as it is")
        ->type_name("");
    verb->add_option("--type", options->type, "The type: 1 to 2^63-1, or a handler's name")
        ->type_name("TYPE");
    verb->add_option("--file", options->file, "Send what this file holds")->type_name("FILE");
    verb->add_flag("--lines", options->lines, "Send every line as a message, empty ones too");
    CLI::Option* nowait =
        verb->add_flag("--nowait", options->nowait, "Fail with status 75 if the queue is full");
    add_duration(*verb, "--timeout", options->timeout,
                 "Wait at most so long for room, such as 30s, for each message")
        ->excludes(nowait);
    verb->callback([options, &config] { send(*options, config); });
}

}  // namespace myq
