// forward: puts every body into another queue of this machine, myq's or anybody's.
//
//     handlers:
//       - {type: 6, name: order, plugin: forward, options: {key: 0x6d797102, type: 9}}
//       - {type: any, plugin: forward, options: {path: /srv/app/queue, project: A}}
//
// Options
//   key        of the queue, a number, decimal or 0x; or
//   path       an existing file, with
//   project    a letter: the key that ftok(3) makes of the two.
//   type       of the message there: a number from 1, or `same`, the default.
//   envelope   true: in an envelope with the message's id, for a queue that myqd serves, where a
//              body that is too long for it goes through shared memory; default false: the
//              bytes alone, for any reader.
//   wait       how long to wait for room in a full queue before the message is answered with
//              `retry`; 0s to 24h, default 1s, and less where the handler's timeout is shorter.
//
//   creators   users whose queue is used, beside root's and our own: anybody may make one with this
//              key, and would read what is put there.
//
// A queue is never made here. One that is not there, is full or may not be written is a `retry`;
// a body that it could not take even when it is empty is rejected. Who forwards a queue into
// itself with the same type keeps the daemon busy for ever.
//
// A worker that is killed at the wrong instant forwards a message twice; the id in an envelope says
// that it is the same.
#include "ipc/envelope.hpp"
#include "ipc/queue_key.hpp"
#include "plugins/creators.hpp"
#include "plugins/forward/put.hpp"
#include "plugins/refuse.hpp"
#include "plugins/time_to_answer.hpp"

#include <myq/handler.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace {

using std::chrono::milliseconds;

struct Settings {
    explicit Settings(const myq::Options& options)
        : queue_key(key(options)),
          path(options.text("path")),
          project(options.text("project")),
          type(type_of(options)),
          in_envelope(options.boolean("envelope", false)),
          wait(options.duration("wait", std::chrono::seconds{1})),
          creators(options.list("creators")) {
        if (queue_key && (!path.empty() || !project.empty()))
            refuse("key", "and 'path' exclude each other");
        if (!queue_key && path.empty()) refuse("key", "is missing; or write path and project");
        if (path.empty() != project.empty()) refuse("path", "and 'project' need each other");
        if (wait > std::chrono::hours{24}) refuse("wait", "must be 0s to 24h");
        if (!queue_key) key_now();
    }

    // ftok(3) goes by the file's inode: a file that is replaced has another key.
    myq::QueueKey key_now() const {
        try {
            return queue_key ? *queue_key : myq::QueueKey::from_path(path, project);
        } catch (const std::exception& e) {
            refuse("path", std::string("makes no key: ") + e.what());
        }
    }

    std::optional<myq::QueueKey> queue_key;
    std::string path, project;
    std::optional<std::int64_t> type;  // nothing: the message's own
    bool in_envelope;
    milliseconds wait;
    Creators creators;

private:
    static std::optional<myq::QueueKey> key(const myq::Options& options) {
        if (!options.has("key")) return std::nullopt;
        try {
            return myq::QueueKey::from_text(options.text("key"));
        } catch (const std::invalid_argument& e) {
            refuse("key", e.what());
        }
    }

    static std::optional<std::int64_t> type_of(const myq::Options& options) {
        const std::string text = options.text("type", "same");
        if (text == "same") return std::nullopt;
        std::int64_t type = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, type);
        if (error != std::errc{} || stop != end || type < 1)
            refuse("type", "must be a number from 1, or same");
        return type;
    }
};

// The id from its 32 digits; none from none.
myq::MessageId message_id(std::string_view text) {
    myq::MessageId id;
    for (std::size_t i = 0; i < id.bytes.size() && 2 * i + 2 <= text.size(); ++i) {
        unsigned char byte = 0;
        std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, byte, 16);
        id.bytes.at(i) = std::byte{byte};
    }
    return id;
}

class Forward : public myq::Handler {
public:
    explicit Forward(const myq::Start& start) : Handler(start), settings_(start.options) {}

    myq::Outcome handle(const myq::Message& message) override {
        Load load{message.body(), {}};
        if (settings_.in_envelope) load.id = message_id(message.id());
        try {
            const PutResult result =
                put(settings_.key_now(), settings_.type.value_or(message.type()), load,
                    time_to_answer(message, settings_.wait), settings_.creators,
                    [this] { return should_stop(); });
            if (result.status == PutResult::Status::sent) return myq::done();
            return result.status == PutResult::Status::never ? myq::reject(result.reason)
                                                             : myq::retry(result.reason);
        } catch (const std::exception& e) {
            return myq::retry(e.what());
        }
    }

private:
    Settings settings_;
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Forward>({
        .name = "forward",
        .version = "1.0",
        .options = {{.name = "key",
                     .kind = MYQ_OPTION_TEXT,
                     .help = "key of the queue to put bodies into"},
                    {.name = "path",
                     .kind = MYQ_OPTION_PATH,
                     .help = "in place of a key: the file that ftok(3) makes it of"},
                    {.name = "project", .kind = MYQ_OPTION_TEXT, .help = "and the letter"},
                    {.name = "type",
                     .kind = MYQ_OPTION_TEXT,
                     .default_value = "same",
                     .help = "type of the message there, or same"},
                    {.name = "envelope",
                     .kind = MYQ_OPTION_BOOLEAN,
                     .default_value = "false",
                     .help = "whether the id goes along, for a queue that myqd serves"},
                    {.name = "wait",
                     .kind = MYQ_OPTION_DURATION,
                     .default_value = "1s",
                     .help = "how long to wait for room in a full queue"},
                    {.name = "creators",
                     .kind = MYQ_OPTION_LIST,
                     .help = "users whose queue is used"}},
        .check = [](const myq::Options& options) { const Settings ignored{options}; },
    });
}
