#include "client/envelope_text.hpp"

#include "client/blob_content.hpp"
#include "client/counted.hpp"
#include "client/message_json.hpp"
#include "client/moment.hpp"
#include "ipc/envelope.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace myq {

namespace {

using Json = nlohmann::ordered_json;

const char* name(EnvelopeKind kind) {
    switch (kind) {
    case EnvelopeKind::message:
        return "message";
    case EnvelopeKind::batch:
        return "batch";
    case EnvelopeKind::blob:
        return "blob";
    case EnvelopeKind::reply:
        return "reply";
    case EnvelopeKind::confirm:
        return "confirm";
    }
    return "unknown";
}

// "in 3 min", "3 min ago"
std::string distance(std::int64_t time_ms, std::int64_t now_ms) {
    if (time_ms <= now_ms) return span((now_ms - time_ms) / 1000) + " ago";
    return "in " + span((time_ms - now_ms + 999) / 1000);
}

std::vector<std::string> options(const Envelope& envelope, std::int64_t now_ms) {
    std::vector<std::string> words = {"envelope"};
    if (envelope.kind != EnvelopeKind::message) words.emplace_back(name(envelope.kind));
    if (envelope.blob) words.back() += " of " + counted(envelope.blob->size, "byte");
    if (envelope.due_ms) words.push_back("due " + distance(*envelope.due_ms, now_ms));
    if (envelope.delay_ms) words.push_back("delay " + span(*envelope.delay_ms / 1000));
    if (envelope.expires_ms) words.push_back("expires " + distance(*envelope.expires_ms, now_ms));
    if (!envelope.unique_key.empty()) words.push_back("unique " + printable(envelope.unique_key));
    if (envelope.confirm) words.emplace_back("to confirm");
    return words;
}

Json to_json(const Envelope& envelope) {
    Json json = {{"kind", name(envelope.kind)}};
    json["id"] = envelope.id.is_set() ? Json(envelope.id.text()) : Json();
    if (envelope.due_ms) json["due_ms"] = *envelope.due_ms;
    if (envelope.delay_ms) json["delay_ms"] = *envelope.delay_ms;
    if (envelope.expires_ms) json["expires_ms"] = *envelope.expires_ms;
    if (!envelope.unique_key.empty()) json["unique"] = json_text(envelope.unique_key);
    if (envelope.confirm) json["confirm"] = true;
    if (envelope.blob) json["blob"] = {{"size", envelope.blob->size}};
    return json;
}

}  // namespace

std::string shown_message(std::span<const std::byte> bytes, uid_t owner, std::int64_t now_ms) {
    if (!is_envelope(bytes)) return printable(text_of(bytes));
    Envelope envelope;
    const EnvelopeError error = decode_envelope(bytes, envelope);
    if (error != EnvelopeError::none) {
        return fmt::format("[broken envelope: {}] {}", describe(error), printable(text_of(bytes)));
    }
    std::vector<std::string> words = options(envelope, now_ms);
    const auto content = blob_content(bytes, owner);
    if (content && !content->trouble.empty()) words.push_back(content->trouble);
    const auto body = content ? std::span<const std::byte>(content->body) : envelope.body;
    return fmt::format("[{}] {}", fmt::join(words, ", "), printable(text_of(body)));
}

nlohmann::ordered_json message_to_json(std::int64_t type, std::span<const std::byte> bytes,
                                       uid_t owner) {
    if (!is_envelope(bytes)) return to_json(type, bytes);
    Envelope envelope;
    const EnvelopeError error = decode_envelope(bytes, envelope);
    const bool is_sound = error == EnvelopeError::none;
    const auto content = blob_content(bytes, owner);
    const auto body = content ? std::span<const std::byte>(content->body) : envelope.body;
    Json json = to_json(type, is_sound ? body : bytes);
    if (content && !content->trouble.empty()) json["body"] = nullptr;
    json["size"] = bytes.size();
    json["envelope"] = is_sound ? to_json(envelope) : Json{{"error", describe(error)}};
    if (content && !content->trouble.empty()) json["envelope"]["error"] = content->trouble;
    return json;
}

}  // namespace myq
