#include "config/queue_config.hpp"

#include "config/duration.hpp"
#include "config/receiver_config.hpp"
#include "config/size.hpp"
#include "config/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

constexpr std::array durabilities = {
    Choice<QueueConfig::Durability>{"memory", QueueConfig::Durability::memory},
    Choice<QueueConfig::Durability>{"journal", QueueConfig::Durability::journal},
};

constexpr std::array formats = {
    Choice<HandlerConfig::Format>{"raw", HandlerConfig::Format::raw},
    Choice<HandlerConfig::Format>{"php", HandlerConfig::Format::php},
    Choice<HandlerConfig::Format>{"json", HandlerConfig::Format::json},
};

constexpr std::array overflows = {
    Choice<QueueConfig::Overflow>{"block", QueueConfig::Overflow::block},
    Choice<QueueConfig::Overflow>{"journal", QueueConfig::Overflow::journal},
};

// A retry's delay and max_delay.
constexpr Between<std::chrono::milliseconds> delays{0ms, 30 * 24h};

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

}  // namespace

// static, not in the unnamed namespace: Section finds a decode() by its arguments, and that looks
// into myq only.

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

static void refuse_delays(Section& section, const RetryConfig& retry) {
    if (section.has("max_delay")) {
        const Value wrong = section.at("max_delay");
        wrong.refuse(fmt::format("{} is less than delay ({})", myq::quoted(wrong.node().text),
                                 duration_text(retry.delay)));
    } else {
        const Value wrong = section.at("delay");
        wrong.refuse(fmt::format("{} is more than max_delay ({}): set that as well",
                                 myq::quoted(wrong.node().text), duration_text(retry.max_delay)));
    }
}

// What a queue, or a handler, says otherwise than `retry`, which it starts from.
static void decode(const Value& value, RetryConfig& retry) {
    const std::size_t mistakes = value.mistakes().count();
    Section section{value};
    section.read("attempts", retry.attempts, Between<int>{1, 1000});
    section.read("delay", retry.delay, delays);
    section.read("max_delay", retry.max_delay, delays);
    section.read("jitter", retry.jitter, Between<int>{0, 100});
    const bool are_right = value.mistakes().count() == mistakes;
    if (are_right && retry.delay > retry.max_delay) refuse_delays(section, retry);
    if (value.mistakes().count() == mistakes) return;
    // A handler that starts from here is to have no mistakes but its own.
    retry.delay = delays.least;
    retry.max_delay = delays.most;
}

static void decode(const Value& value, RecycleConfig& recycle) {
    Section section{value};
    std::optional<std::int64_t> messages;
    if (section.read("max_messages", messages,
                     Between<std::int64_t>{1, std::numeric_limits<std::int64_t>::max()})) {
        recycle.max_messages = static_cast<std::uint64_t>(*messages);
    }
    section.read("max_age", recycle.max_age, Between<std::chrono::milliseconds>{1s, 365 * 24h});
    section.read("max_rss", recycle.max_rss, Between<std::uint64_t>{mebibyte, tebibyte});
}

static void decode(const Value& value, SandboxConfig& sandbox) {
    Section section{value};
    section.read("memory", sandbox.memory, Between<std::uint64_t>{mebibyte, tebibyte});
    section.read("cpu", sandbox.cpu, Between<std::chrono::milliseconds>{2s, 24h});
    section.read("files", sandbox.files, Between<int>{32, 1 << 20});
    section.read("processes", sandbox.processes, Between<int>{0, 1 << 20});
    section.read("read", sandbox.read);
    section.read("write", sandbox.write);
    section.read("network", sandbox.network);
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

void decode(const Value& value, std::vector<OptionConfig>& options) {
    const Kind kind = value.node().kind;
    if (kind != Kind::map && kind != Kind::null) return value.refuse_kind("a map of options");
    for (const YamlNode& child : value.node().children) {
        OptionConfig option{child.key, {}, value.mistakes().where(child.key_mark)};
        if (child.kind != Kind::broken) decode_option(value.entry(child), option);
        options.push_back(std::move(option));
    }
}

static void decode(const Value& value, HandlerConfig& handler, HandlerIdentities& others,
                   const RetryConfig& queue_retry) {
    handler.where = value.where();
    Section section{value};
    if (section.require("type", handler.type, OrAny{})) {
        others.types.check(section.at("type"), handler.type);
    }
    if (section.read("name", handler.name, name_rule)) {
        others.names.check(section.at("name"), handler.name);
    }
    section.require("plugin", handler.plugin, plugin_rule);
    section.read("format", handler.format, std::span<const Choice<HandlerConfig::Format>>{formats});
    section.read("timeout", handler.timeout, Between<std::chrono::milliseconds>{10ms, 24h});
    RetryConfig retry = queue_retry;
    if (section.read("retry", retry)) handler.retry = retry;
    section.read("options", handler.options);
}

std::string_view account_rule(std::string_view text) {
    const bool is_account = !text.empty() && text.front() != '-' &&
                            text.find_first_of(":/, \t\r\n") == std::string_view::npos;
    return is_account ? "" : "is not the name of a user or a group";
}

// A message that cannot be handled goes to the journal, and so must fit there beside others.
static void decode_max_body(Section& section, QueueConfig& queue, const JournalConfig& journal) {
    constexpr std::uint64_t most = 512 * mebibyte;
    const std::uint64_t half = journal.max_size / 2;
    queue.max_body = std::min(queue.max_body, half);
    if (!section.read("max_body", queue.max_body, Between<std::uint64_t>{0, most})) return;
    if (queue.max_body <= half) return;
    const Value wrong = section.at("max_body");
    wrong.refuse(fmt::format("{} is more than half of journal.max_size ({}), where a body goes "
                             "that is not handled at once: write less, or raise that",
                             myq::quoted(wrong.node().text), size_text(journal.max_size)));
}

// Whoever may take messages from one segment of shared memory may destroy all of them.
static void refuse_large_bodies(Section& section, QueueConfig& queue) {
    if (section.has("max_body") && queue.max_body != 0) {
        section.at("max_body")
            .refuse("with a sandbox there is no shared memory, and so no body "
                    "that does not fit into a kernel message: write 0, or "
                    "nothing");
    }
    queue.max_body = 0;
}

void decode(const Value& value, QueueConfig& queue, QueueIdentities& others,
            const AroundQueues& around) {
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
    decode_max_body(section, queue, around.journal);
    section.read("max_keyed_delay", queue.max_keyed_delay,
                 Between<std::chrono::milliseconds>{0ms, 24h * 3650});
    section.read("creators", queue.creators, account_rule);
    section.read("durability", queue.durability,
                 std::span<const Choice<QueueConfig::Durability>>{durabilities});
    section.read("overflow", queue.overflow,
                 std::span<const Choice<QueueConfig::Overflow>>{overflows});
    section.read("drain", queue.drain);
    const bool has_receivers = section.read("receivers", queue.receivers);
    section.read("retry", queue.retry);
    section.read("recycle", queue.recycle);
    if (section.has("sandbox")) {
        section.read("sandbox", queue.sandbox.emplace());
        refuse_large_bodies(section, queue);
    }
    HandlerIdentities handlers;
    const bool has_handlers =
        section.read("handlers", queue.handlers, handlers, std::as_const(queue.retry));

    if (has_handlers && has_receivers) {
        check_receivers(queue, section.at("receivers"), around.plugins.auto_route);
        check_handlers(queue, section.at("handlers"));
    }
    const bool has_none = !section.has("handlers") ||
                          (has_handlers && section.at("handlers").node().children.empty());
    if (has_none && !around.plugins.auto_route) {
        section.refuse_missing("handlers", "are missing: nothing would handle a message, since "
                                           "plugins.auto_route is off");
    }
}

}  // namespace myq
