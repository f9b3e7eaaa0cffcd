#include "config/queue_config.hpp"

#include "config/text.hpp"

#include <fmt/format.h>

#include <sys/msg.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace myq {

namespace {

using namespace std::chrono_literals;
using Kind = YamlNode::Kind;

constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits = "0123456789";

constexpr std::size_t longest_name = 64;
constexpr int most_workers = 256;
constexpr Between<std::int64_t> message_types{1, std::numeric_limits<std::int64_t>::max()};

struct OrAny {};

bool consists_of(std::string_view text, std::initializer_list<std::string_view> sets) {
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return std::any_of(sets.begin(), sets.end(), [&](std::string_view set) {
            return set.find(c) != std::string_view::npos;
        });
    });
}

// A letter first, so that `jobs/7` is a type and `jobs/seven` a name.
std::string_view name_rule(std::string_view text) {
    const bool is_name = !text.empty() && text.size() <= longest_name &&
                         consists_of(text.substr(0, 1), {lower, upper}) &&
                         consists_of(text, {lower, upper, digits, "-_."});
    return is_name ? ""
                   : "is not a name: write a letter, then letters, digits, '-', '_' or '.', "
                     "at most 64 in all";
}

// It becomes a file name, and must never leave plugins.dir.
std::string_view plugin_rule(std::string_view text) {
    const bool is_plugin = !text.empty() && text.size() <= longest_name &&
                           consists_of(text.substr(0, 1), {lower, digits}) &&
                           consists_of(text, {lower, digits, "-_"});
    return is_plugin ? ""
                     : "is not a plugin: write its file name in plugins.dir without .so: small "
                       "letters, digits, '-' or '_', at most 64";
}

std::string_view project_rule(std::string_view text) {
    return text.size() == 1 ? "" : "is not a project: ftok(3) takes exactly one byte, such as A";
}

struct HandlerIdentities {
    Unique<std::optional<std::int64_t>> types;
    Unique<std::string> names;
};

bool takes(const Selector& selector, std::int64_t type) {
    const std::int64_t wanted = selector.msgtyp();
    if (wanted == 0) return true;
    if (wanted < 0) return type <= -wanted;
    return (selector.flags() & MSG_EXCEPT) != 0 ? type != wanted : type == wanted;
}

// What a queue's receivers and handlers say of each other. A worker that could never have anything
// to do, and a handler whose messages nobody takes, which then fill the queue for ever, are
// mistakes in one of two places.
void check_receivers(const QueueConfig& queue, const Value& receivers, bool auto_route) {
    if (auto_route || receivers.node().kind != Kind::list) return;
    for (std::size_t i = 0; i < queue.receivers.size(); ++i) {
        const Selector& types = queue.receivers[i].types;
        const bool is_useful =
            std::any_of(queue.handlers.begin(), queue.handlers.end(), [&](const auto& handler) {
                return !handler.type || takes(types, *handler.type);
            });
        if (is_useful) continue;
        receivers.item(receivers.node().children[i])
            .refuse(fmt::format("no handler takes what this receiver does ({}), and "
                                "plugins.auto_route is off",
                                types.text()));
    }
}

void check_handlers(const QueueConfig& queue, const Value& handlers) {
    for (std::size_t i = 0; i < queue.handlers.size(); ++i) {
        const auto type = queue.handlers[i].type;
        const bool is_reached = !type || std::any_of(queue.receivers.begin(), queue.receivers.end(),
                                                     [&](const auto& receiver) {
                                                         return takes(receiver.types, *type);
                                                     });
        if (is_reached) continue;
        handlers.item(handlers.node().children[i])
            .refuse(fmt::format("handles type {}, but no receiver takes it", *type));
    }
}

}  // namespace

// static, not in the unnamed namespace: Section finds a decode() by its arguments, and that looks
// into myq only.

// `any`, which leaves the field empty, or one type.
static void decode(const Value& value, std::optional<std::int64_t>& type, OrAny) {
    const auto text = value.scalar("a message type or any");
    if (!text) return;
    if (*text == "any") return type.reset();
    if (text->find_first_of("-0123456789") != 0) {
        return value.refuse(quoted(*text) + " is neither any nor a message type");
    }
    decode(value, type.emplace(), message_types);
}

// {path: FILE, project: A}
static void decode_path_key(const Value& value, QueueKey& key) {
    Section section{value};
    std::filesystem::path path;
    std::string project;
    const bool has_path = section.require("path", path);
    if (!section.require("project", project, project_rule) || !has_path) return;
    try {
        key = QueueKey::from_path(path, project);
    } catch (const std::exception& e) {
        section.at("path").refuse(e.what());
    }
}

static void decode(const Value& value, QueueKey& key) {
    if (value.node().kind == Kind::map) return decode_path_key(value, key);
    const auto text = value.scalar("a number or {path: FILE, project: A}");
    if (!text) return;
    try {
        key = QueueKey::from_text(*text);
    } catch (const std::invalid_argument& e) {
        value.refuse(e.what());
    }
}

static void decode(const Value& value, Selector& types) {
    if (value.node().kind != Kind::map) {
        std::optional<std::int64_t> type;
        decode(value, type, OrAny{});
        types = type ? Selector::only(*type) : Selector::any();
        return;
    }
    const std::size_t mistakes = value.mistakes().count();
    std::optional<std::int64_t> up_to;
    std::optional<std::int64_t> except;
    {
        Section section{value};
        section.read("up_to", up_to, message_types);
        section.read("except", except, message_types);
    }
    if (value.mistakes().count() == mistakes && up_to.has_value() == except.has_value()) {
        value.refuse("must be any, a type, {up_to: TYPE} or {except: TYPE}");
    }
    if (up_to) types = Selector::up_to(*up_to);
    if (except) types = Selector::except(*except);
}

static void decode(const Value& value, ReceiverConfig& receiver) {
    Section section{value};
    section.require("types", receiver.types);
    section.read("count", receiver.count, Between<int>{1, most_workers});
}

// A number is that many for any type.
static void decode(const Value& value, std::vector<ReceiverConfig>& receivers) {
    const Kind kind = value.node().kind;
    if (kind == Kind::plain || kind == Kind::quoted) {
        receivers.assign(1, ReceiverConfig{});
        return decode(value, receivers.front().count, Between<int>{1, most_workers});
    }
    if (kind != Kind::list) {
        return value.refuse_kind("a number or a list of {types: ..., count: ...}");
    }
    decode<ReceiverConfig>(value, receivers);
    if (value.node().children.empty()) return value.refuse("is empty: nobody would take a message");
    int workers = 0;
    for (const ReceiverConfig& receiver : receivers) {
        workers = std::min(workers + receiver.count, most_workers + 1);
    }
    if (workers > most_workers) {
        value.refuse(fmt::format("more than {} workers in all", most_workers));
    }
}

static void decode(const Value& value, RetryConfig& retry) {
    Section section{value};
    section.read("attempts", retry.attempts, Between<int>{1, 1000});
}

static void decode_option(const Value& value, OptionConfig& option) {
    const auto take = [&option](const Value& one) {
        if (const auto text = one.scalar("a text or a list of texts")) {
            option.values.emplace_back(*text);
        }
    };
    if (value.node().kind != Kind::list) return take(value);
    if (value.node().children.empty()) value.refuse("is an empty list: leave the option out");
    for (const YamlNode& child : value.node().children) {
        if (child.kind != Kind::broken) take(value.item(child));
    }
}

// Any names: only the plugin knows what it knows, and is asked for it later.
static void decode(const Value& value, std::vector<OptionConfig>& options) {
    const Kind kind = value.node().kind;
    if (kind != Kind::map && kind != Kind::null) return value.refuse_kind("a map of options");
    for (const YamlNode& child : value.node().children) {
        OptionConfig option{child.key, {}, value.mistakes().where(child.key_mark)};
        if (child.kind != Kind::broken) decode_option(value.entry(child), option);
        options.push_back(std::move(option));
    }
}

static void decode(const Value& value, HandlerConfig& handler, HandlerIdentities& others) {
    handler.where = value.where();
    Section section{value};
    if (section.require("type", handler.type, OrAny{})) {
        others.types.check(section.at("type"), handler.type);
    }
    if (section.read("name", handler.name, name_rule)) {
        others.names.check(section.at("name"), handler.name);
    }
    section.require("plugin", handler.plugin, plugin_rule);
    section.read("timeout", handler.timeout, Between<std::chrono::milliseconds>{10ms, 24h});
    section.read("options", handler.options);
}

std::string_view account_rule(std::string_view text) {
    const bool is_account = !text.empty() && text.front() != '-' &&
                            text.find_first_of(":/, \t\r\n") == std::string_view::npos;
    return is_account ? "" : "is not the name of a user or a group";
}

void decode(const Value& value, QueueConfig& queue, QueueIdentities& others,
            const PluginsConfig& plugins) {
    queue.where = value.where();
    Section section{value};
    if (section.require("name", queue.name, name_rule)) {
        others.names.check(section.at("name"), queue.name);
    }
    if (section.require("key", queue.key)) {
        others.keys.check(section.at("key"), queue.key.value());
    }
    section.read("group", queue.group, account_rule);
    section.read("mode", queue.mode, QuotedOctal{});
    section.read("capacity", queue.capacity,
                 Between<std::uint64_t>{1, std::numeric_limits<std::int32_t>::max()});
    section.read("creators", queue.creators, account_rule);
    const bool has_receivers = section.read("receivers", queue.receivers);
    section.read("retry", queue.retry);
    HandlerIdentities handlers;
    const bool has_handlers = section.read("handlers", queue.handlers, handlers);

    if (has_handlers && has_receivers) {
        check_receivers(queue, section.at("receivers"), plugins.auto_route);
        check_handlers(queue, section.at("handlers"));
    }
    const bool has_none = !section.has("handlers") ||
                          (has_handlers && section.at("handlers").node().children.empty());
    if (has_none && !plugins.auto_route) {
        section.refuse_missing("handlers", "are missing: nothing would handle a message, since "
                                           "plugins.auto_route is off");
    }
}

}  // namespace myq
