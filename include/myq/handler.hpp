// The C++ face of <myq/plugin.h>: derive from Handler, return what became of the message, and let
// plugin<T>() make the C contract of it. Throwing is allowed: an exception that leaves handle() is
// a failed attempt, with its what() in the log. Depends on the standard library alone.
//
//     #include <myq/handler.hpp>
//
//     struct Hello : myq::Handler {
//         using Handler::Handler;
//         myq::Outcome handle(const myq::Message& message) override {
//             log(myq::Level::info, "hello, " + std::string(message.text()));
//             return myq::done();
//         }
//     };
//
//     const myq_plugin* myq_plugin_entry(const myq_host*) {
//         return myq::plugin<Hello>({.name = "hello", .version = "1.0", .types = {42}});
//     }
#pragma once

#include <myq/plugin.h>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace myq {

enum class Level { debug = MYQ_DEBUG, info = MYQ_INFO, warn = MYQ_WARN, error = MYQ_ERROR };

// One message, valid while handle() runs: copy what must live longer.
class Message {
public:
    explicit Message(const myq_message& message) : message_(&message) {}

    std::int64_t type() const { return message_->type; }
    std::string_view type_name() const { return message_->type_name; }  // "" for none
    std::string_view queue() const { return message_->queue; }
    std::span<const std::byte> body() const {
        return {static_cast<const std::byte*>(message_->body), message_->body_size};
    }
    std::string_view text() const {  // the body as it is, not terminated and not checked
        return {static_cast<const char*>(message_->body), message_->body_size};
    }
    // 1 at first. More means that a worker died with this message before: what it did may be done.
    std::uint32_t attempt() const { return message_->attempt; }
    // How long this call may take before the worker is killed; nullopt for no limit.
    std::optional<std::chrono::milliseconds> timeout() const {
        if (message_->timeout_ms == 0) return std::nullopt;
        return std::chrono::milliseconds{message_->timeout_ms};
    }

    // The same at every attempt, 32 hex digits; "" for a message whose sender gave it none.
    std::string_view id() const {
        const bool has_id =
            message_->size >= offsetof(myq_message, id) + sizeof message_->id;  // since ABI 1.1
        return has_id ? message_->id : "";
    }

    // Whether the sender waits for a reply; see Handler::reply().
    bool wants_reply() const {
        const bool may = message_->size >= offsetof(myq_message, wants_reply) +
                                               sizeof message_->wants_reply;  // since ABI 1.2
        return may && message_->wants_reply != 0;
    }

private:
    const myq_message* message_;
};

// What became of a message: made by done(), retry() or reject().
struct Outcome {
    myq_verdict verdict = MYQ_DONE;
    std::string reason;  // for the log and `myq dead`; cut at 255 bytes
    std::chrono::milliseconds delay{0};
};

inline Outcome done() {
    return {};
}

// Not now. With a delay: not before that has passed; without: as the queue's policy says.
inline Outcome retry(std::string reason, std::chrono::milliseconds delay = {}) {
    return {MYQ_RETRY, std::move(reason), delay};
}

// Never: no further try can help.
inline Outcome reject(std::string reason) {
    return {MYQ_REJECT, std::move(reason), {}};
}

// Many messages in one call, in the order of the queue, and an outcome for each.
class Messages {
public:
    Messages(const myq_message* const* messages, myq_outcome* const* outcomes, std::size_t count)
        : messages_(messages, count),
          outcomes_(outcomes, count) {
        for (myq_outcome* outcome : outcomes_)
            outcome->verdict = none;
    }

    std::size_t size() const { return messages_.size(); }
    Message operator[](std::size_t i) const { return Message(*messages_[i]); }

    bool is_settled(std::size_t i) const { return outcomes_[i]->verdict != none; }
    // The last word counts.
    void settle(std::size_t i, const Outcome& outcome) {
        myq_outcome& to = *outcomes_[i];
        to.verdict = outcome.verdict;
        to.delay_ms = outcome.delay.count();
        const std::size_t length = outcome.reason.copy(to.reason, sizeof to.reason - 1);
        to.reason[length] = '\0';
    }
    // All that have no outcome yet.
    void settle_rest(const Outcome& outcome) {
        for (std::size_t i = 0; i < size(); ++i)
            if (!is_settled(i)) settle(i, outcome);
    }

private:
    static constexpr int none = -1;
    std::span<const myq_message* const> messages_;
    std::span<myq_outcome* const> outcomes_;
};

// A handler's `options:` from the config. What a schema promised (kind, required) holds already;
// the conversions throw std::invalid_argument with the option's name for a plugin without one.
class Options {
public:
    Options(const myq_option* options, std::size_t count) : options_(options, count) {}

    bool has(std::string_view name) const { return find(name) != nullptr; }

    std::string text(std::string_view name, std::string_view otherwise = {}) const {
        const myq_option* option = find(name);
        if (option == nullptr) return std::string(otherwise);
        if (option->value_count != 1) throw wrong(name, "takes one value");
        return option->values[0];
    }

    std::vector<std::string> list(std::string_view name) const {
        const myq_option* option = find(name);
        if (option == nullptr) return {};
        return {option->values, option->values + option->value_count};
    }

    std::int64_t integer(std::string_view name, std::int64_t otherwise) const {
        if (!has(name)) return otherwise;
        const std::string value = text(name);
        std::int64_t number = 0;
        const char* end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, number);
        if (error != std::errc{} || stop != end) throw wrong(name, "is not a whole number");
        return number;
    }

    bool boolean(std::string_view name, bool otherwise) const {
        if (!has(name)) return otherwise;
        const std::string value = text(name);
        if (value == "true") return true;
        if (value == "false") return false;
        throw wrong(name, "is neither true nor false");
    }

    // "250ms", "30s", "5m", "2h", "1d".
    std::chrono::milliseconds duration(std::string_view name,
                                       std::chrono::milliseconds otherwise) const {
        if (!has(name)) return otherwise;
        const std::string value = text(name);
        std::int64_t number = 0;
        const char* end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, number);
        const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
        std::int64_t factor = 0;
        if (unit == "ms") factor = 1;
        if (unit == "s") factor = 1'000;
        if (unit == "m") factor = 60'000;
        if (unit == "h") factor = 3'600'000;
        if (unit == "d") factor = 86'400'000;
        if (error != std::errc{} || factor == 0 || number < 0 || number > INT64_MAX / factor) {
            throw wrong(name, "is not a duration such as 30s");
        }
        return std::chrono::milliseconds{number * factor};
    }

private:
    const myq_option* find(std::string_view name) const {
        for (const myq_option& option : options_) {
            if (name == option.name) return &option;
        }
        return nullptr;
    }

    static std::invalid_argument wrong(std::string_view name, const char* why) {
        return std::invalid_argument("option '" + std::string(name) + "' " + why);
    }

    std::span<const myq_option> options_;
};

// What a handler is made with, in every worker once.
struct Start {
    const myq_host* host;
    Options options;
};

// The code for one type of message. Constructed in every worker before its first message; a
// constructor that throws refuses to start, with what() as the reason. Destroyed when the worker
// leaves in order.
class Handler {
public:
    explicit Handler(const Start& start) : host_(start.host) {}
    virtual ~Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;

    // One message at a time, always from the same thread.
    virtual Outcome handle(const Message& message) = 0;

    // For a handler to which many messages at once are less work: how many it takes in one call of
    // handle_many(), asked once. See myq_plugin::most_at_once for which messages come so.
    virtual std::size_t most_at_once() const { return 1; }

    // Gives each of them an outcome. One that has none is tried again when this returns or throws,
    // so that what was forgotten is not lost.
    virtual void handle_many(Messages& messages) {
        for (std::size_t i = 0; i < messages.size(); ++i)
            messages.settle(i, handle(messages[i]));
    }

protected:
    // One line in the daemon's log; whatever is not printable ASCII is escaped there.
    void log(Level level, std::string_view text) const {
        host_->log(static_cast<int>(level), text.data(), text.size());
    }

    // True once the worker is asked to leave; see myq_host::should_stop.
    bool should_stop() const { return host_->should_stop() != 0; }

    // The call in progress may take this much longer from now on; see myq_host::touch.
    void touch(std::chrono::milliseconds more) const {
        const bool can_touch = host_->size >= offsetof(myq_host, touch) + sizeof host_->touch;
        if (can_touch) host_->touch(more.count());
    }

    // Adds to the reply that the sender of the message in hand gets once that is done or rejected;
    // nothing where nobody waits. False when it is longer now than the daemon keeps. See
    // myq_host::reply.
    bool reply(std::string_view bytes) const {
        const bool can_reply = host_->size >= offsetof(myq_host, reply) + sizeof host_->reply;
        return !can_reply || host_->reply(bytes.data(), bytes.size()) == 0;
    }
    bool reply(std::span<const std::byte> bytes) const {
        return reply({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }

    // Tells a sender that waits how far this call is; `total` 0 for unknown. See
    // myq_host::progress.
    void progress(std::uint64_t done, std::uint64_t total, std::string_view text = {}) const {
        const bool can_tell = host_->size >= offsetof(myq_host, progress) + sizeof host_->progress;
        if (can_tell) host_->progress(done, total, text.data(), text.size());
    }

private:
    const myq_host* host_;
};

// One line of an option schema; see enum myq_option_kind. Every member has an initialiser, so that
// naming only some of them draws no warning.
struct OptionSpec {
    std::string name{};
    myq_option_kind kind = MYQ_OPTION_TEXT;
    bool required = false;
    std::string default_value{};  // "" for none
    std::string help{};
};

// What a plugin says of itself. `check` may throw, like a constructor, to refuse options.
struct Plugin {
    std::string name{};
    std::string version{};
    std::vector<std::int64_t> types{};
    std::vector<OptionSpec> options{};
    void (*check)(const Options& options) = nullptr;
};

namespace detail {

inline void copy_reason(std::string_view text, char* reason, std::size_t size) {
    if (size == 0) return;
    // No formatting: this runs for every message, nearly always to copy nothing.
    reason[text.copy(reason, size - 1)] = '\0';
}

// Runs `body`; an exception becomes its what() in `reason` and `otherwise` as the result.
template <typename Result, typename Body>
Result guarded(char* reason, std::size_t size, Result otherwise, Body body) noexcept {
    try {
        return body();
    } catch (const std::exception& e) {
        copy_reason(e.what(), reason, size);
    } catch (...) {
        copy_reason("something was thrown that is no std::exception", reason, size);
    }
    return otherwise;
}

template <typename T>
void* start(const myq_host* host, const myq_option* options, std::size_t count, char* reason,
            std::size_t reason_size) {
    return guarded<void*>(reason, reason_size, nullptr, [&]() -> void* {
        return static_cast<Handler*>(new T(Start{host, Options(options, count)}));
    });
}

// A throw says neither "later" nor "never": the queue's policy decides, so it is a retry.
inline void handle(void* state, const myq_message* message, myq_outcome* outcome) {
    outcome->verdict = MYQ_RETRY;
    guarded(outcome->reason, sizeof outcome->reason, 0, [&] {
        const Outcome result = static_cast<Handler*>(state)->handle(Message(*message));
        outcome->verdict = result.verdict;
        outcome->delay_ms = result.delay.count();
        copy_reason(result.reason, outcome->reason, sizeof outcome->reason);
        return 0;
    });
}

inline std::size_t most_at_once(void* state) {
    char ignored[1];
    return guarded<std::size_t>(ignored, sizeof ignored, 1,
                                [&] { return static_cast<Handler*>(state)->most_at_once(); });
}

// As handle(): a throw is a retry, of all that have no outcome yet.
inline void handle_many(void* state, const myq_message* const* messages,
                        myq_outcome* const* outcomes, std::size_t count) {
    Messages all(messages, outcomes, count);
    char reason[sizeof(myq_outcome::reason)] = "its handler gave it no outcome";
    guarded(reason, sizeof reason, 0, [&] {
        static_cast<Handler*>(state)->handle_many(all);
        return 0;
    });
    for (std::size_t i = 0; i < count; ++i) {
        if (all.is_settled(i)) continue;
        outcomes[i]->verdict = MYQ_RETRY;
        copy_reason(reason, outcomes[i]->reason, sizeof outcomes[i]->reason);
    }
}

inline void stop(void* state) {
    char ignored[1];
    guarded(ignored, sizeof ignored, 0, [&] {
        delete static_cast<Handler*>(state);
        return 0;
    });
}

}  // namespace detail

// The C description of handler T. Returns the same one at every call; `plugin` is read at the
// first.
template <typename T>
const myq_plugin* plugin(Plugin plugin) {
    static const Plugin described = std::move(plugin);
    static const std::vector<myq_option_spec> specs = [] {
        std::vector<myq_option_spec> list;
        for (const OptionSpec& spec : described.options) {
            list.push_back({spec.name.c_str(), spec.kind, spec.required ? 1 : 0,
                            spec.default_value.empty() ? nullptr : spec.default_value.c_str(),
                            spec.help.c_str()});
        }
        return list;
    }();
    static const myq_plugin contract = {
        .size = sizeof(myq_plugin),
        .abi_major = MYQ_ABI_MAJOR,
        .abi_minor = MYQ_ABI_MINOR,
        .name = described.name.c_str(),
        .version = described.version.c_str(),
        .types = described.types.data(),
        .type_count = described.types.size(),
        .options = specs.data(),
        .option_count = specs.size(),
        .check = [](const myq_option* options, std::size_t count, char* reason,
                    std::size_t reason_size) -> int {
            if (described.check == nullptr) return 0;
            return detail::guarded(reason, reason_size, 1, [&] {
                described.check(Options(options, count));
                return 0;
            });
        },
        .start = detail::start<T>,
        .handle = detail::handle,
        .stop = detail::stop,
        .most_at_once = detail::most_at_once,
        .handle_many = detail::handle_many,
    };
    return &contract;
}

}  // namespace myq
