#include "client/recv.hpp"

#include "client/blob_content.hpp"
#include "client/counted.hpp"
#include "client/failure.hpp"
#include "client/message_json.hpp"
#include "client/option_kinds.hpp"
#include "client/output.hpp"
#include "client/php_text.hpp"
#include "client/place.hpp"
#include "client/type.hpp"
#include "client/waiting.hpp"
#include "config/duration.hpp"
#include "config/whole_number.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace myq {

namespace {

struct RecvOptions {
    PlaceOptions place;
    std::string type;
    bool nowait = false;
    std::optional<std::chrono::milliseconds> timeout;
    std::uint64_t count = 1;
    bool follow = false;
    std::optional<std::uint64_t> max_size;
    bool truncate = false;
    bool php = false;
    bool json = false;
};

class Receiver {
public:
    Receiver(const Place& place, const RecvOptions& options)
        : place_(place),
          options_(options),
          selector_(parse_selector(options.type, place)),
          most_(options.truncate || !options.max_size ? std::numeric_limits<std::uint64_t>::max()
                                                      : *options.max_size),
          buffer_size_(std::min<std::uint64_t>(most_, largest_body())),
          with_line_feeds_(options.follow || options.count > 1 || output_width() > 0) {}

    void run() {
        for (std::uint64_t taken = 0; options_.follow || taken < options_.count; ++taken) {
            Waiting::check();
            // What cannot be written is better not taken.
            if (const int error = output_trouble(); error != 0) {
                throw Failure(ExitCode::system, fmt::format("standard output: cannot be written: "
                                                            "{}: no message was taken for it",
                                                            error_text(error)));
            }
            const std::optional<Message> message = take();
            if (!message) throw nothing_there(taken);
            hand_out(*message);
        }
    }

private:
    static std::string error_text(int error) { return std::generic_category().message(error); }

    std::optional<Message> take() {
        std::optional<Message> message = receive(Wait::no);
        if (message || options_.nowait) return message;
        Waiting::until([&] { return (message = receive(Wait::yes)).has_value(); },
                       options_.timeout);
        return message;
    }

    std::optional<Message> receive(Wait wait) {
        for (;;) {
            try {
                // What is to be cut is taken whole: of half an envelope nobody finds the body.
                return place_.queue.receive(buffer_size_, selector_, wait);
            } catch (const IpcError& e) {
                if (e.error() != E2BIG) throw;
                if (buffer_size_ >= most_) throw too_big();
                // Sent when msgmax was larger than today.
                buffer_size_ = std::min(most_, 2 * buffer_size_);
            }
        }
    }

    Failure too_big() const {
        return {ExitCode::data,
                fmt::format("{}: the next message is longer than {} bytes and stays where it is: "
                            "raise --max-size, or have it cut with --truncate",
                            place_.name, *options_.max_size)};
    }

    Failure nothing_there(std::uint64_t taken) const {
        const std::string wanted =
            selector_ == Selector::any() ? "" : fmt::format(" of type {}", selector_.text());
        const std::string when = options_.timeout
                                     ? fmt::format(" came in {}", duration_text(*options_.timeout))
                                     : " is waiting";
        const std::string so_far =
            taken == 0 ? "" : fmt::format(" ({} received)", counted(taken, "message"));
        return {ExitCode::try_later,
                fmt::format("{}: no message{}{}: try again later{}{}", place_.name, wanted, when,
                            options_.nowait ? ", or wait without --nowait" : "", so_far)};
    }

    std::string form(const Message& message) const {
        if (!options_.json) {
            std::string body(text_of(message));
            if (options_.php) body = value_in(message).value_or(std::move(body));
            if (options_.php || with_line_feeds_) body += '\n';
            return as_body(std::move(body));
        }
        nlohmann::ordered_json json = to_json(message);
        if (options_.php) {
            const auto value = value_in(message);
            json["value"] = value ? nlohmann::ordered_json::parse(*value) : nullptr;
        }
        json["truncated"] = message.truncated;
        return json_line(json);
    }

    // A body in shared memory is the message's, and goes once it is written.
    void hand_out(const Message& taken) const {
        const auto content = blob_content(taken.body, place_.queue.stat_any().uid);
        if (!content) return write(cut(taken), taken);
        if (!content->blob) {
            say(fmt::format("{}: a message of type {} is a blob, and {}: it is written as "
                            "it is",
                            place_.name, taken.type, content->trouble));
            return write(cut(taken), taken);
        }
        if (options_.max_size && content->body.size() > *options_.max_size && !options_.truncate) {
            refuse_large(taken, content->body.size());
        }
        Message whole;
        whole.type = taken.type;
        whole.body = content->body;
        write(cut(std::move(whole)), taken);
        content->blob->remove();
    }

    Message cut(Message message) const {
        if (!options_.truncate || message.body.size() <= *options_.max_size) return message;
        message.body.resize(*options_.max_size);
        message.truncated = true;
        return message;
    }

    // How long a body in shared memory is shows only when its message is taken.
    [[noreturn]] void refuse_large(const Message& taken, std::size_t size) const {
        throw Failure(ExitCode::data,
                      fmt::format("{}: a message of type {} has a body of {} bytes in shared "
                                  "memory, longer than {}; {}: raise --max-size, or have it cut "
                                  "with --truncate",
                                  place_.name, taken.type, size, *options_.max_size,
                                  put_back(taken)));
    }

    // What PHP serialized, as JSON; nullopt, and a word on standard error, for what it did not: the
    // message is taken already, and then shown as it is.
    std::optional<std::string> value_in(const Message& message) const {
        try {
            return json_from_php(text_of(message), fmt::format("{}: a message of type {}",
                                                               place_.name, message.type));
        } catch (const Failure& e) {
            say(fmt::format("{}: it is written as it is", e.what()));
            return std::nullopt;
        }
    }

    // `taken` is what was in the queue.
    void write(const Message& message, const Message& taken) const {
        const int error = write_out(form(message));
        if (error != 0) give_back(taken, error);
        if (message.truncated && !options_.json) {
            say(fmt::format("{}: a message of type {} was cut to {} bytes", place_.name,
                            message.type, message.body.size()));
        }
    }

    // The message is out of the queue and nobody has it: back it goes. If that fails too, standard
    // error is the last place where it can be kept. Returns what became of it, in words.
    std::string put_back(const Message& message) const {
        try {
            if (place_.queue.send(message.type, message.body, Wait::no) == SendStatus::sent)
                return "it was put back, behind the others";
            return "it could not be put back, the queue is full; here it is: " +
                   plain_json(to_json(message).dump());
        } catch (const IpcError& e) {
            return fmt::format("it could not be put back, {}; here it is: {}",
                               explain(IpcCall::msgsnd, e.error()),
                               plain_json(to_json(message).dump()));
        }
    }

    [[noreturn]] void give_back(const Message& message, int error) const {
        const std::string text = fmt::format(
            "{}: a message of type {}, {} bytes, was taken but not written: {}: {}", place_.name,
            message.type, message.body.size(), error_text(error), put_back(message));
        Waiting::check(text);
        throw Failure(ExitCode::system, text);
    }

    const Place& place_;
    const RecvOptions& options_;
    Selector selector_;
    std::uint64_t most_;  // bytes of a kernel message
    std::uint64_t buffer_size_;
    bool with_line_feeds_;
};

}  // namespace

void add_recv(CLI::App& app, const ConfigChoice& config) {
    auto options = std::make_shared<RecvOptions>();
    CLI::App* verb = app.add_subcommand(
        "recv", "Take messages out of a queue and write them to standard output");
    options->place.add(*verb, "jobs, jobs/resize or jobs/7: a queue of the config");
    verb->add_option("--type", options->type, "any, TYPE, up-to:TYPE (lowest first) or except:TYPE")
        ->type_name("WHICH");
    CLI::Option* count = verb->add_option("--count", options->count, "Take so many, each on a line")
                             ->check(whole_number(1))
                             ->type_name("N");
    CLI::Option* follow =
        verb->add_flag("--follow", options->follow, "Take all that come, each on a line, for ever")
            ->excludes(count);
    CLI::Option* nowait =
        verb->add_flag("--nowait", options->nowait, "Fail with status 75 if there is none")
            ->excludes(follow);
    add_duration(*verb, "--timeout", options->timeout,
                 "Wait at most so long, such as 30s, for each message")
        ->excludes(nowait);
    CLI::Option* max_size = add_size(*verb, "--max-size", options->max_size,
                                     "Leave a longer message where it is; status 65");
    verb->add_flag("--truncate", options->truncate, "Cut a longer message instead, and say so")
        ->needs(max_size);
    verb->add_flag("--php", options->php, "Write what PHP's msg_send() serialized as JSON");
    verb->add_flag("--json", options->json, "One JSON object a line");
    verb->callback([options, &config] {
        const Place place = find(options->place, config);
        Receiver receiver(place, *options);
        const Waiting waiting;
        std::signal(SIGPIPE, SIG_IGN);  // EPIPE gives the chance to put the message back
        receiver.run();
    });
}

}  // namespace myq
