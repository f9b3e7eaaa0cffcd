#include "client/daemon_status.hpp"

#include "client/answer_fields.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace myq {

namespace {

DaemonStatus::Worker worker(const nlohmann::json& object) {
    return {.pid = answer::integer_in<pid_t>(object, "pid"),
            .queue = answer::text(object, "queue"),
            .role = answer::text(object, "role"),
            .slot = answer::text(object, "slot"),
            .state = answer::text(object, "state"),
            .type = answer::integer_if_known<std::int64_t>(object, "type"),
            .messages = answer::count(object, "messages"),
            .attempt = answer::count(object, "attempt")};
}

DaemonStatus::Type type(const nlohmann::json& object) {
    const nlohmann::json& waiting = object.at("waiting");
    return {.type = answer::integer_if_known<std::int64_t>(object, "type"),
            .name = answer::text(object, "name"),
            .handled = answer::count(object, "handled"),
            .retried = answer::count(object, "retried"),
            .dead = answer::count(object, "dead"),
            .expired = answer::count(object, "expired"),
            .dropped = answer::count(object, "dropped"),
            .refused = answer::count(object, "refused"),
            .slots = answer::count(waiting, "slots"),
            .ready = answer::count(waiting, "ready"),
            .delayed = answer::count(waiting, "delayed"),
            .running = answer::count(waiting, "running")};
}

DaemonStatus::Queue queue(const nlohmann::json& object) {
    DaemonStatus::Queue queue{.name = answer::text(object, "name"),
                              .key = answer::text(object, "key"),
                              .durability = answer::text(object, "durability"),
                              .kernel = {},
                              .types = {}};
    if (const nlohmann::json& kernel = object.at("kernel"); !kernel.is_null()) {
        queue.kernel = {answer::count(kernel, "messages"), answer::count(kernel, "bytes"),
                        answer::count(kernel, "capacity")};
    }
    for (const nlohmann::json& one : answer::list(object, "types"))
        queue.types.push_back(type(one));
    return queue;
}

DaemonStatus status(const nlohmann::json& object) {
    DaemonStatus status;
    status.version = answer::text(object, "version");
    status.state = answer::text(object, "state");
    status.pid = answer::integer_in<pid_t>(object, "pid");
    status.started_ms = answer::moment(object, "started_ms");
    if (const nlohmann::json& reload = object.at("reload"); !reload.is_null()) {
        status.last_reload = {answer::moment(reload, "at_ms"), answer::text(reload, "refused")};
    }
    for (const nlohmann::json& one : answer::list(object, "workers"))
        status.workers.push_back(worker(one));
    for (const nlohmann::json& one : answer::list(object, "queues"))
        status.queues.push_back(queue(one));
    const nlohmann::json& journal = object.at("journal");
    status.journal = answer::text(journal, "path");
    status.journal_error = answer::text(journal, "error");
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
