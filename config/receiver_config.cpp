#include "config/receiver_config.hpp"

#include "config/text.hpp"

#include <fmt/format.h>

#include <sys/msg.h>

#include <algorithm>

namespace myq {

namespace {

using Kind = YamlNode::Kind;

constexpr int most_workers = 256;

bool takes(const Selector& selector, std::int64_t type) {
    const std::int64_t wanted = selector.msgtyp();
    if (wanted == 0) return true;
    if (wanted < 0) return type <= -wanted;
    return (selector.flags() & MSG_EXCEPT) != 0 ? type != wanted : type == wanted;
}

}  // namespace

void decode(const Value& value, std::optional<std::int64_t>& type, OrAny) {
    const auto text = value.scalar("a message type or any");
    if (!text) return;
    if (*text == "any") return type.reset();
    if (text->find_first_of("-0123456789") != 0) {
        return value.refuse(quoted(*text) + " is neither any nor a message type");
    }
    decode(value, type.emplace(), message_types);
}

// static, not in the unnamed namespace: Section finds a decode() by its arguments, and that looks
// into myq only.
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

void decode(const Value& value, std::vector<ReceiverConfig>& receivers) {
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

}  // namespace myq
