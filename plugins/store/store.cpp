// store: puts each message into a shared variable that a PHP page reads with sem_acquire() and
// shm_get_var().
//
//     handlers:
//       - {type: 4, name: price, plugin: store, options: {key: 0x1234, group: www-data}}
//       - {type: 5, name: news, plugin: store, options: {key: 0x1235, variable: 1, newest: 20}}
//
// Options
//   key        of the shared memory, and of the semaphore that guards it: a number, decimal or 0x.
//   lock       the key of another semaphore.
//   variable   which variable: a number, or `type`, the default: each type has its own.
//   newest     keep so many, 1 to 10000, as an array of strings with the newest last. Without it
//              the variable is the last message alone.
//   as         string: the body becomes a PHP string, the default. php: it is what serialize()
//              writes already, so what msg_send() sends unless told otherwise; anything else is
//              refused. Not together with `newest`.
//   size       of a segment that is made here, default 1048576 bytes.
//   mode       of what is made here, default "0660": who reads must be able to take the semaphore
//   group      and the group of what its user made; default the daemon's own.
//   creators   users whose segment and semaphore are used, beside root's and our own; who lets the
//              page make them writes [www-data].
//
// What another of them made is used as it is, and what a stranger made is not. A segment or
// semaphore that is removed is made anew with the next message. When there is no room the old value
// stays and the message is answered with `retry`; so it is when somebody holds the semaphore for
// more than 100 ms, since the worker has other messages to handle.
//
//     $sem = sem_get(0x1234); $shm = shm_attach(0x1234);
//     sem_acquire($sem); $price = shm_get_var($shm, 4); sem_release($sem);
#include "ipc/shared_variables.hpp"
#include "php/serialize.hpp"
#include "php/unserialize.hpp"
#include "plugins/creators.hpp"
#include "plugins/octal_mode.hpp"
#include "plugins/refuse.hpp"

#include <myq/handler.hpp>

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::chrono::milliseconds lock_patience{100};
constexpr std::int64_t default_size = 1'048'576;
constexpr std::int64_t largest_size = std::int64_t{1} << 40;
constexpr std::int64_t most_kept = 10'000;

std::int64_t in_range(const myq::Options& options, const char* name, std::int64_t otherwise,
                      std::int64_t most) {
    const std::int64_t number = options.integer(name, otherwise);
    if (number < 1 || number > most) refuse(name, "must be 1 to " + std::to_string(most));
    return number;
}

struct Settings {
    explicit Settings(const myq::Options& options)
        : memory(key(options, "key", "")),
          lock(key(options, "lock", options.text("key"))),
          variable(variable_of(options)),
          size(static_cast<std::size_t>(in_range(options, "size", default_size, largest_size))),
          mode(octal_mode(options, "0660", 0666, "0666")),
          group(group_of(options)),
          creators(options.list("creators")) {
        if (options.has("newest"))
            newest = static_cast<std::size_t>(in_range(options, "newest", 1, most_kept));
        const std::string as = options.text("as", "string");
        if (as != "string" && as != "php") refuse("as", "must be string or php");
        is_php = as == "php";
        // References within a value would mean something else within an array.
        if (is_php && newest > 0) refuse("as", "must be string where there is 'newest'");
    }

    myq::QueueKey memory, lock;
    std::optional<std::int64_t> variable;  // nothing: the message's type
    std::size_t newest = 0;                // 0: the last alone
    bool is_php = false;
    std::size_t size;
    mode_t mode;
    std::optional<gid_t> group;
    Creators creators;

private:
    static myq::QueueKey key(const myq::Options& options, const char* name,
                             const std::string& otherwise) {
        const std::string text = options.text(name, otherwise);
        if (text.empty()) refuse(name, "is missing: the key of the shared memory, such as 0x1234");
        try {
            return myq::QueueKey::from_text(text);
        } catch (const std::invalid_argument& e) {
            refuse(name, e.what());
        }
    }

    static std::optional<std::int64_t> variable_of(const myq::Options& options) {
        if (options.text("variable", "type") == "type") return std::nullopt;
        return options.integer("variable", 0);
    }

    static std::optional<gid_t> group_of(const myq::Options& options) {
        if (!options.has("group")) return std::nullopt;
        const std::string name = options.text("group");
        const group_entry* entry = ::getgrnam(name.c_str());  // NOLINT(concurrency-mt-unsafe)
        if (entry == nullptr) refuse("group", "is '" + name + "', and there is no such group");
        return entry->gr_gid;
    }

    using group_entry = struct ::group;
};

// The segment and its semaphore, as long as both are those that the keys lead to.
class Shared {
public:
    // Throws where somebody else made one, or holds the semaphore for longer than `patience`.
    Shared(const Settings& settings, std::chrono::milliseconds patience)
        : lock_(open_lock(settings)) {
        const auto guard = hold(patience);
        variables_ = open_memory(settings, lock_);
    }

    myq::SemaphoreGuard hold(std::chrono::milliseconds patience) {
        auto guard = patience.count() == 0 ? myq::SemaphoreGuard::try_acquire(lock_)
                                           : myq::SemaphoreGuard::acquire_for(lock_, patience);
        if (!guard) throw Held(lock_.set().name() + ": somebody holds it");
        return std::move(*guard);
    }
    struct Held : std::runtime_error {
        using std::runtime_error::runtime_error;
    };

    myq::SharedVariables& variables() { return *variables_; }

    // A removed segment stays readable for those who have it, and nobody else finds it.
    bool is_removed() const { return variables_->memory().stat().removed; }

private:
    static myq::Semaphore open_lock(const Settings& settings) {
        auto lock = myq::Semaphore::open_or_create(
            settings.lock, settings.mode, {.set_up_wait = lock_patience},
            [&](const myq::SemaphoreSet& set) {
                settings.creators.require(set.stat().creator_uid, set.name(),
                                          "ipcrm -s " + std::to_string(set.id()));
            });
        give_to_group(lock.set(), settings);
        return lock;
    }

    static myq::SharedVariables open_memory(const Settings& settings, myq::Semaphore& lock) {
        auto variables = myq::SharedVariables::open_or_create(settings.memory, settings.size,
                                                              settings.mode, &lock);
        const auto& memory = variables.memory();
        settings.creators.require(memory.stat().creator_uid, memory.name(),
                                  "ipcrm -m " + std::to_string(memory.id()));
        give_to_group(memory, settings);
        return variables;
    }

    // What we made, now or before we were killed here. Another worker may do the same meanwhile.
    template <typename Object>
    static void give_to_group(const Object& object, const Settings& settings) {
        if (!settings.group) return;
        const auto stat = object.stat();
        if (stat.creator_uid == ::geteuid() && stat.gid != *settings.group)
            object.set({.uid = {}, .gid = settings.group, .mode = {}});
    }

    myq::Semaphore lock_;
    std::optional<myq::SharedVariables> variables_;
};

class Store : public myq::Handler {
public:
    explicit Store(const myq::Start& start) : Handler(start), settings_(start.options) {
        try {
            open();
        } catch (const std::exception& e) {
            // Or who takes the key before us keeps all handlers of the queue from starting.
            log(myq::Level::error, e.what());
        }
    }

    myq::Outcome handle(const myq::Message& message) override {
        const std::string_view body = message.text();
        if (settings_.is_php) {
            if (const auto read = myq::php::unserialize(body); !read)
                return myq::reject("not what PHP's serialize() writes: " + read.fault->text());
        }
        try {
            if (!shared_ || shared_->is_removed()) open();
            return put(settings_.variable.value_or(message.type()), body);
        } catch (const Shared::Held& e) {
            was_held_ = true;
            return myq::retry(e.what());
        } catch (const std::exception& e) {
            shared_.reset();  // whatever it was, the next attempt begins anew
            return myq::retry(e.what());
        }
    }

private:
    void open() {
        shared_.reset();
        shared_ = std::make_unique<Shared>(settings_, patience());
    }

    // Of many messages while it is held only the first one waits.
    std::chrono::milliseconds patience() const {
        return was_held_ ? std::chrono::milliseconds{0} : lock_patience;
    }

    myq::Outcome put(std::int64_t variable, std::string_view body) {
        const auto guard = shared_->hold(patience());
        was_held_ = false;
        const std::string value = settings_.newest == 0 ? one(body) : newest(variable, body);
        const auto bytes = std::as_bytes(std::span(value));
        if (shared_->variables().put(variable, bytes) == myq::PutStatus::stored) return myq::done();
        return myq::retry(shared_->variables().memory().name() + ": there is no room for " +
                          std::to_string(value.size()) + " bytes");
    }

    std::string one(std::string_view body) const {
        return settings_.is_php ? std::string(body) : myq::php::serialize(myq::php::Value(body));
    }

    // The array that is there, or a new one, with this one behind the others.
    std::string newest(std::int64_t variable, std::string_view body) const {
        myq::php::Array kept;
        if (const auto before = shared_->variables().value(variable)) {
            const auto read = myq::php::unserialize(
                {reinterpret_cast<const char*>(before->data()), before->size()});
            const myq::php::Array* array = read ? read.value().array() : nullptr;
            if (array == nullptr) throw not_ours(variable);
            const auto& entries = array->entries;
            const std::size_t most = settings_.newest - 1;
            for (std::size_t i = entries.size() - std::min(entries.size(), most);
                 i < entries.size(); ++i) {
                const auto text = entries[i].value.text();
                if (!text) throw not_ours(variable);
                kept.push(*text);
            }
        }
        kept.push(body);
        return myq::php::serialize(myq::php::Value(std::move(kept)));
    }

    static std::runtime_error not_ours(std::int64_t variable) {
        return std::runtime_error("variable " + std::to_string(variable) +
                                  " holds something else than an array of strings: remove it");
    }

    Settings settings_;
    std::unique_ptr<Shared> shared_;
    bool was_held_ = false;
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Store>({
        .name = "store",
        .version = "1.0",
        .options = {{.name = "key",
                     .kind = MYQ_OPTION_TEXT,
                     .required = true,
                     .help = "key of the shared memory and of its semaphore"},
                    {.name = "lock", .kind = MYQ_OPTION_TEXT, .help = "key of another semaphore"},
                    {.name = "variable",
                     .kind = MYQ_OPTION_TEXT,
                     .default_value = "type",
                     .help = "number of the variable, or type"},
                    {.name = "newest",
                     .kind = MYQ_OPTION_INTEGER,
                     .help = "keep so many, as an array"},
                    {.name = "as",
                     .kind = MYQ_OPTION_TEXT,
                     .default_value = "string",
                     .help = "string, or php for bodies that are serialized"},
                    {.name = "size",
                     .kind = MYQ_OPTION_INTEGER,
                     .default_value = "1048576",
                     .help = "bytes of a segment that is made"},
                    {.name = "mode",
                     .kind = MYQ_OPTION_TEXT,
                     .default_value = "0660",
                     .help = "permission bits of what is made, in octal"},
                    {.name = "group", .kind = MYQ_OPTION_TEXT, .help = "group of what is made"},
                    {.name = "creators",
                     .kind = MYQ_OPTION_LIST,
                     .help = "users whose segment and semaphore are used"}},
        .check = [](const myq::Options& options) { const Settings ignored{options}; },
    });
}
