#include "client/entry_json.hpp"

#include "client/message_json.hpp"

#include <nlohmann/json.hpp>

#include <optional>

namespace myq {

namespace {

using Json = nlohmann::ordered_json;

template <typename Value>
Json or_null(const std::optional<Value>& value) {
    return value ? Json(*value) : Json();
}

Json attempts(const std::vector<Attempt>& history) {
    Json list = Json::array();
    for (const Attempt& attempt : history) {
        list.push_back({{"number", attempt.number},
                        {"at_ms", attempt.at_ms},
                        {"cause", json_text(attempt.cause)}});
    }
    return list;
}

}  // namespace

const char* name(JournalState state) {
    switch (state) {
    case JournalState::ready:
        return "waiting";
    case JournalState::delayed:
        return "delayed";
    case JournalState::running:
        return "running";
    case JournalState::dead:
        return "dead";
    }
    return "unknown";
}

nlohmann::ordered_json to_json(const JournalEntry& entry, bool with_history) {
    Json json = {{"number", entry.row},
                 {"state", name(entry.state)},
                 {"queue", entry.queue},
                 {"id", entry.id.is_set() ? Json(entry.id.text()) : Json()},
                 {"accepted_ms", entry.accepted_ms},
                 {"due_ms", entry.due_ms},
                 {"expires_ms", or_null(entry.expires_ms)},
                 {"died_ms", or_null(entry.died_ms)},
                 {"unique", json_text(entry.unique_key)},
                 {"attempts", entry.attempts},
                 {"reason", json_text(entry.reason)}};
    if (with_history) {
        json["history"] = attempts(entry.history);
        json["autopsy"] = entry.autopsy.empty() ? Json() : Json(json_text(entry.autopsy));
    }
    json.update(to_json(entry.type, entry.body));
    return json;
}

}  // namespace myq
