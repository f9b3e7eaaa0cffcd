#include "client/type.hpp"

#include "client/failure.hpp"
#include "config/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace myq {

namespace {

// "1 (note), 7 (resize)"
std::string types_of(const Address& address) {
    std::vector<std::string> types;
    for (const HandlerConfig& handler : address.config->handlers) {
        if (!handler.type) continue;
        types.push_back(handler.name.empty() ? std::to_string(*handler.type)
                                             : fmt::format("{} ({})", *handler.type, handler.name));
    }
    if (types.empty()) return "its handlers name no type, so any number does";
    return fmt::format("it has {}", fmt::join(types, ", "));
}

std::optional<std::int64_t> type_named(const std::string& name, const Address& address) {
    for (const HandlerConfig& handler : address.config->handlers) {
        if (handler.type && handler.name == name) return handler.type;
    }
    return std::nullopt;
}

// What was written in one of the two places where a type may stand.
std::string written(const std::string& option, const Address& address) {
    if (!option.empty() && !address.type.empty()) {
        throw Failure(
            ExitCode::usage,
            fmt::format("{}: the type is named twice: leave it out behind the '/', or --type",
                        address.name));
    }
    return option.empty() ? address.type : option;
}

// PHP's msg_receive() and msgrcv(2) have numbers for these.
void refuse_desired(const std::string& text) {
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end || number > 0) return;
    if (number == 0) throw Failure(ExitCode::data, "type 0: every type is 'any' here");
    throw Failure(ExitCode::data,
                  fmt::format("type {0}: the lowest type up to {1} is 'up-to:{1}' here", text,
                              text.substr(1)));
}

}  // namespace

std::int64_t parse_type(const std::string& text, const Address& address) {
    std::int64_t type = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, type);
    if (stop != end || error == std::errc::invalid_argument) {
        if (!address.config) {
            throw Failure(ExitCode::usage,
                          fmt::format("type {}: not a number: use 1 to {}", myq::quoted(text),
                                      std::numeric_limits<std::int64_t>::max()));
        }
        if (const auto named = type_named(text, address)) return *named;
        throw Failure(ExitCode::usage, fmt::format("{}: no type is called {}: {}", address.name,
                                                   myq::quoted(text), types_of(address)));
    }
    if (error != std::errc{} || type <= 0) {
        throw Failure(ExitCode::data,
                      fmt::format("type {}: {}: use 1 to {}", text,
                                  error == std::errc{} ? "not positive" : "beyond 64 bits",
                                  std::numeric_limits<std::int64_t>::max()));
    }
    return type;
}

std::int64_t type_to_send(const std::string& option, const Address& address) {
    const std::string text = written(option, address);
    if (!text.empty()) return parse_type(text, address);
    if (!address.config) {
        throw Failure(ExitCode::usage,
                      fmt::format("{}: no type is named: add --type N", address.name));
    }
    std::optional<std::int64_t> only;
    int types = 0;
    for (const HandlerConfig& handler : address.config->handlers) {
        if (!handler.type) continue;
        only = handler.type;
        ++types;
    }
    if (types == 1) return *only;
    throw Failure(ExitCode::usage, fmt::format("{}: which type? {}: write {}/TYPE, or add --type",
                                               address.name, types_of(address), address.name));
}

Selector parse_selector(const std::string& option, const Address& address) {
    const std::string text = written(option, address);
    refuse_desired(text);
    constexpr std::string_view up_to = "up-to:";
    constexpr std::string_view except = "except:";
    if (text.empty() || text == "any") return Selector::any();
    if (text.starts_with(up_to)) {
        return Selector::up_to(parse_type(text.substr(up_to.size()), address));
    }
    if (text.starts_with(except)) {
        return Selector::except(parse_type(text.substr(except.size()), address));
    }
    return Selector::only(parse_type(text, address));
}

std::string type_text(const std::optional<Config>& config, const std::string& queue,
                      std::int64_t type) {
    if (config) {
        for (const QueueConfig& one : config->queues) {
            if (one.name != queue) continue;
            for (const HandlerConfig& handler : one.handlers) {
                if (handler.type == type && !handler.name.empty()) return handler.name;
            }
        }
    }
    return std::to_string(type);
}

}  // namespace myq
