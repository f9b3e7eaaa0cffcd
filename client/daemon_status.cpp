#include "client/daemon_status.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace myq {

namespace {

using nlohmann::json;

template <typename Value>
Value member(const json& object, const char* name) {
    return object.at(name).get<Value>();
}

std::uint64_t count(const json& object, const char* name) {
    const json& value = object.at(name);
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    throw std::invalid_argument(fmt::format("'{}' is no count", name));
}

std::string text(const json& object, const char* name) {
    return member<std::string>(object, name);
}

std::optional<std::int64_t> type_in(const json& object) {
    const json& type = object.at("type");
    return type.is_null() ? std::nullopt : std::optional(type.get<std::int64_t>());
}

// json::get() would take a map for a list.
const json& list(const json& object, const char* name) {
    const json& value = object.at(name);
    if (value.is_array()) return value;
    throw std::invalid_argument(fmt::format("'{}' is no list", name));
}

DaemonStatus::Worker worker(const json& object) {
    return {.pid = member<pid_t>(object, "pid"),
            .queue = text(object, "queue"),
            .role = text(object, "role"),
            .slot = text(object, "slot"),
            .state = text(object, "state"),
            .type = type_in(object),
            .messages = count(object, "messages"),
            .attempt = count(object, "attempt")};
}

DaemonStatus::Type type(const json& object) {
    const json& waiting = object.at("waiting");
    return {.type = type_in(object),
            .name = text(object, "name"),
            .handled = count(object, "handled"),
            .retried = count(object, "retried"),
            .dead = count(object, "dead"),
            .expired = count(object, "expired"),
            .dropped = count(object, "dropped"),
            .slots = count(waiting, "slots"),
            .ready = count(waiting, "ready"),
            .delayed = count(waiting, "delayed"),
            .running = count(waiting, "running")};
}

DaemonStatus::Queue queue(const json& object) {
    DaemonStatus::Queue queue{.name = text(object, "name"),
                              .key = text(object, "key"),
                              .durability = text(object, "durability"),
                              .kernel = {},
                              .types = {}};
    if (const json& kernel = object.at("kernel"); !kernel.is_null()) {
        queue.kernel = {count(kernel, "messages"), count(kernel, "bytes"),
                        count(kernel, "capacity")};
    }
    for (const json& one : list(object, "types"))
        queue.types.push_back(type(one));
    return queue;
}

DaemonStatus status(const json& object) {
    DaemonStatus status;
    status.version = text(object, "version");
    status.state = text(object, "state");
    status.pid = member<pid_t>(object, "pid");
    status.started_ms = member<std::int64_t>(object, "started_ms");
    for (const json& one : list(object, "workers"))
        status.workers.push_back(worker(one));
    for (const json& one : list(object, "queues"))
        status.queues.push_back(queue(one));
    const json& journal = object.at("journal");
    status.journal = text(journal, "path");
    status.journal_error = text(journal, "error");
    return status;
}

}  // namespace

DaemonStatus parse_daemon_status(std::string_view text) {
    try {
        return status(json::parse(text));
    } catch (const json::exception& e) {
        throw std::invalid_argument(e.what());
    }
}

}  // namespace myq
