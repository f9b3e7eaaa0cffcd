#include "client/call.hpp"

#include "client/blob_content.hpp"
#include "client/body_reader.hpp"
#include "client/call_progress.hpp"
#include "client/failure.hpp"
#include "client/message_json.hpp"
#include "client/moment.hpp"
#include "client/option_kinds.hpp"
#include "client/outlet.hpp"
#include "client/output.hpp"
#include "client/php_text.hpp"
#include "client/place.hpp"
#include "client/type.hpp"
#include "client/waiting.hpp"
#include "config/duration.hpp"
#include "ipc/printable.hpp"
#include "ipc/reply.hpp"
#include "ipc/reply_queue.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace myq {

namespace {

struct CallOptions {
    PlaceOptions place;
    std::optional<std::string> body;
    std::string file;
    std::string type;
    std::optional<std::chrono::milliseconds> timeout, ttl;
    bool php = false;
    bool json = false;
};

ExitCode exit_code(Reply::Status status) {
    switch (status) {
    case Reply::Status::done:
        return ExitCode::ok;
    case Reply::Status::cut:
        return ExitCode::system;
    case Reply::Status::rejected:
        return ExitCode::data;
    case Reply::Status::dead:
        return ExitCode::internal;
    default:
        return ExitCode::try_later;
    }
}

std::string advice(const Reply& reply) {
    switch (reply.status) {
    case Reply::Status::cut:
        return "it is done, but have the handler reply less, or raise max_body";
    case Reply::Status::rejected:
    case Reply::Status::dead:
        return "see myq dead list";
    case Reply::Status::expired:
        return "give it longer with --ttl, or see that its workers keep up";
    default:
        return "try again later";
    }
}

// One call: a message on its way, and a queue of our own for what becomes of it.
class Call {
public:
    Call(const CallOptions& options, const Outlet& outlet)
        : options_(options),
          outlet_(outlet),
          daemon_(outlet.place().queue.stat_any().uid),
          answers_(daemon_) {
        envelope_.id = MessageId::random();
        envelope_.reply = ReplyAddress{answers_.id(), answers_.token(), sequence};
        if (options.ttl) envelope_.expires_ms = now_ms() + options.ttl->count();
    }

    std::size_t overhead() const { return encode_envelope(envelope_).size(); }

    void send(std::string_view body) {
        Progress progress(std::nullopt, "sent");
        envelope_.body = std::as_bytes(std::span(body));
        outlet_.put(encode_envelope(envelope_), progress);
    }

    // Until it is known what became of the message. Prints what its handler replied.
    void await(std::optional<std::chrono::milliseconds> timeout) try {
        const bool ended =
            Waiting::until([&] { return take(Wait::yes); }, timeout,
                           [&] { outlet_.place().queue.stat_any(); });  // throws, once it is gone
        if (!ended) throw nothing_came(*options_.timeout);
    } catch (const Interrupted& e) {
        throw Interrupted{e.signal,
                          fmt::format("interrupted: message {} is sent, and may still be handled",
                                      envelope_.id.text())};
    } catch (const IpcError& e) {
        if (e.error() != EIDRM && e.error() != EINVAL) throw;
        throw Failure(ExitCode::unavailable,
                      fmt::format("{}: the queue, or the one for the reply, was removed: message "
                                  "{} may have been handled, or be lost",
                                  outlet_.place().name, envelope_.id.text()));
    }

private:
    static constexpr std::uint64_t sequence = 1;

    // True at the end; false when a signal came.
    bool take(Wait wait) {
        for (;;) {
            const std::optional<Message> answer = answers_.receive(wait);
            if (!answer) return false;
            const auto reply = decode_reply(answer->body);
            if (!reply) throw unreadable();
            if (reply->sequence != sequence) continue;
            if (!reply->is_final()) {
                tell_news(*reply);
            } else if (reply->status == Reply::Status::cut) {
                end_cut(*reply);
                return true;
            } else if (assembly_.add(*reply)) {
                end(*reply, assembly_.whole());
                return true;
            }
        }
    }

    void tell_news(const Reply& news) {
        progress_.show(news);
        if (!options_.json) return;
        nlohmann::ordered_json json = head(news);
        if (news.status == Reply::Status::retrying) {
            json["attempts"] = news.first;
            json["due_ms"] = news.second;
        } else {
            json["done"] = news.first;
            json["total"] = news.second;
        }
        print_out(json_line(json));
    }

    // What has no room in the queue lies in shared memory, mostly.
    void end_cut(Reply reply) {
        std::string whole;
        std::string why;
        if (reply.large) why = fetch_reply(*reply.large, daemon_, whole);
        if (reply.large && why.empty()) {
            reply.status = Reply::Status::done;
            reply.text = {};
        } else if (reply.large) {
            reply.text = why;
        }
        end(reply, whole);
    }

    void end(const Reply& reply, const std::string& whole) {
        progress_.clear();
        const bool has_reply = reply.status == Reply::Status::done || !whole.empty();
        if (options_.json) {
            nlohmann::ordered_json json = head(reply);
            if (has_reply) add_reply(json, whole);
            print_out(json_line(json));
        } else if (has_reply) {
            print_body(text(whole));
        }
        if (reply.status == Reply::Status::done) return;
        throw Failure(exit_code(reply.status),
                      fmt::format("{}: {}: {}: {}", outlet_.place().name, name(reply.status),
                                  printable(reply.text), advice(reply)));
    }

    nlohmann::ordered_json head(const Reply& reply) const {
        return {{"id", envelope_.id.text()},
                {"status", name(reply.status)},
                {"text", json_text(reply.text)}};
    }

    void add_reply(nlohmann::ordered_json& json, const std::string& whole) const {
        const nlohmann::ordered_json body = to_json(0, std::as_bytes(std::span(whole)));
        json["size"] = body["size"];
        for (const char* key : {"body", "body_base64"}) {
            if (body.contains(key)) json[key] = body[key];
        }
        if (!options_.php) return;
        const auto value = php_value(whole);
        json["value"] = value ? nlohmann::ordered_json::parse(*value) : nullptr;
    }

    std::string text(const std::string& whole) const {
        const auto value = options_.php ? php_value(whole) : std::nullopt;
        return value ? *value + "\n" : whole + (output_width() > 0 && !whole.empty() ? "\n" : "");
    }

    // What the handler replied is shown as it is if PHP did not serialize it.
    std::optional<std::string> php_value(const std::string& whole) const {
        try {
            return json_from_php(whole, outlet_.place().name + ": the reply");
        } catch (const Failure& e) {
            say(fmt::format("{}: it is written as it is", e.what()));
            return std::nullopt;
        }
    }

    Failure nothing_came(std::chrono::milliseconds timeout) const {
        return {ExitCode::try_later,
                fmt::format("{}: no reply in {}: message {} may still be handled: is myqd running? "
                            "See myq status",
                            outlet_.place().name, duration_text(timeout), envelope_.id.text())};
    }

    Failure unreadable() const {
        return {ExitCode::internal,
                fmt::format("{}: the daemon's reply cannot be read: is it of another version? "
                            "Message {} may have been handled",
                            outlet_.place().name, envelope_.id.text())};
    }

    const CallOptions& options_;
    const Outlet& outlet_;
    uid_t daemon_;  // who owns the queue
    ReplyQueue answers_;
    Envelope envelope_;
    ReplyAssembly assembly_;
    CallProgress progress_;
};

// "-" for standard input, or a file; nothing when BODY is the body.
std::optional<std::string> call_input(const CallOptions& options) {
    if (!options.file.empty()) {
        if (!options.body) return options.file;
        throw Failure(ExitCode::usage,
                      "--file: the body is named twice: leave out --file or the body");
    }
    if (options.body && *options.body != "-") return std::nullopt;
    if (!options.body && isatty(STDIN_FILENO) == 1) {
        throw Failure(ExitCode::usage, "no body: nothing is piped in: give it as an argument, with "
                                       "--file, or type it after '-'");
    }
    return "-";
}

void call(CallOptions options, const ConfigChoice& config) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point begun = Clock::now();
    // DEST is left out when a number names the queue: then the first word is the body.
    if (!options.place.key.empty() || options.place.id) {
        if (!options.body && !options.place.dest.empty()) {
            options.body = std::exchange(options.place.dest, {});
        }
    }
    const std::optional<std::string> input = call_input(options);
    const Place place = find(options.place, config);
    const Outlet outlet(place, type_to_send(options.type, place), {.timeout = options.timeout});
    const Waiting waiting;
    // What cannot be printed is an error and not the end: the queue for replies must be removed.
    std::signal(SIGPIPE, SIG_IGN);
    Call call(options, outlet);
    const BodyLimit limit(largest_body(), call.overhead());
    std::optional<BodyReader> reader;
    if (input) reader.emplace(*input, limit);
    const std::string_view given = reader ? reader->all() : std::string_view(*options.body);
    const std::string body = options.php ? php_from_json(given) : std::string(given);
    if (body.size() > limit.bytes()) throw limit.exceeded_by("the body");
    call.send(body);
    if (!options.timeout) return call.await(std::nullopt);
    const auto used = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
    call.await(std::max(*options.timeout - used, std::chrono::milliseconds{1}));
}

}  // namespace

void add_call(CLI::App& app, const ConfigChoice& config) {
    auto options = std::make_shared<CallOptions>();
    CLI::App* verb = app.add_subcommand("call", "Send a message, wait until it is handled, and "
                                                "write the handler's reply to standard output");
    options->place.add(*verb, "jobs, jobs/resize or jobs/7: a queue of the config, with a type");
    verb->add_option("BODY", options->body, "The body; '-' or nothing: standard input as it is")
        ->type_name("");
    verb->add_option("--type", options->type, "The type: 1 to 2^63-1, or a handler's name")
        ->type_name("TYPE");
    verb->add_option("--file", options->file, "Send what this file holds")->type_name("FILE");
    add_duration(*verb, "--timeout", options->timeout,
                 "Wait at most so long for the end of it, such as 30s");
    add_duration(*verb, "--ttl", options->ttl,
                 "Worthless after so long: then it is dropped unhandled");
    verb->add_flag("--php", options->php,
                   "The body is JSON, sent as PHP's serialize() writes it; so is the reply, back");
    verb->add_flag("--json", options->json, "One JSON object for each news, and for the end");
    verb->callback([options, &config] { call(*options, config); });
}

}  // namespace myq
