#include "client/daemon_status.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <utility>

namespace myq {

namespace {

// json::get() would cut a number short, and make one of a fraction.
template <typename Integer>
Integer integer(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = object.at(name);
    const bool is_fit =
        value.is_number_unsigned()
            ? std::in_range<Integer>(value.get<std::uint64_t>())
            : value.is_number_integer() && std::in_range<Integer>(value.get<std::int64_t>());
    if (is_fit) return value.get<Integer>();
    throw std::invalid_argument(fmt::format("'{}' is no such number", name));
}

std::uint64_t count(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = object.at(name);
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    throw std::invalid_argument(fmt::format("'{}' is no count", name));
}

std::string text(const nlohmann::json& object, const char* name) {
    return object.at(name).get<std::string>();
}

std::optional<std::int64_t> type_in(const nlohmann::json& object) {
    if (object.at("type").is_null()) return std::nullopt;
    return integer<std::int64_t>(object, "type");
}

// json::get() would take a map for a list.
const nlohmann::json& list(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = object.at(name);
    if (value.is_array()) return value;
    throw std::invalid_argument(fmt::format("'{}' is no list", name));
}

DaemonStatus::Worker worker(const nlohmann::json& object) {
    return {.pid = integer<pid_t>(object, "pid"),
            .queue = text(object, "queue"),
            .role = text(object, "role"),
            .slot = text(object, "slot"),
            .state = text(object, "state"),
            .type = type_in(object),
            .messages = count(object, "messages"),
            .attempt = count(object, "attempt")};
}

DaemonStatus::Type type(const nlohmann::json& object) {
    const nlohmann::json& waiting = object.at("waiting");
    return {.type = type_in(object),
            .name = text(object, "name"),
            .handled = count(object, "handled"),
            .retried = count(object, "retried"),
            .dead = count(object, "dead"),
            .expired = count(object, "expired"),
            .dropped = count(object, "dropped"),
            .refused = count(object, "refused"),
            .slots = count(waiting, "slots"),
            .ready = count(waiting, "ready"),
            .delayed = count(waiting, "delayed"),
            .running = count(waiting, "running")};
}

DaemonStatus::Queue queue(const nlohmann::json& object) {
    DaemonStatus::Queue queue{.name = text(object, "name"),
                              .key = text(object, "key"),
                              .durability = text(object, "durability"),
                              .kernel = {},
                              .types = {}};
    if (const nlohmann::json& kernel = object.at("kernel"); !kernel.is_null()) {
        queue.kernel = {count(kernel, "messages"), count(kernel, "bytes"),
                        count(kernel, "capacity")};
    }
    for (const nlohmann::json& one : list(object, "types"))
        queue.types.push_back(type(one));
    return queue;
}

DaemonStatus status(const nlohmann::json& object) {
    DaemonStatus status;
    status.version = text(object, "version");
    status.state = text(object, "state");
    status.pid = integer<pid_t>(object, "pid");
    status.started_ms = integer<std::int64_t>(object, "started_ms");
    for (const nlohmann::json& one : list(object, "workers"))
        status.workers.push_back(worker(one));
    for (const nlohmann::json& one : list(object, "queues"))
        status.queues.push_back(queue(one));
    const nlohmann::json& journal = object.at("journal");
    status.journal = text(journal, "path");
    status.journal_error = text(journal, "error");
    return status;
}

}  // namespace

DaemonStatus parse_daemon_status(std::string_view text) {
    try {
        return status(nlohmann::json::parse(text));
    } catch (const nlohmann::json::exception& e) {
        throw std::invalid_argument(e.what());
    }
}

}  // namespace myq
