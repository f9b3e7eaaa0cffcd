#include "client/message_json.hpp"

#include "ipc/printable.hpp"

#include <boost/archive/iterators/base64_from_binary.hpp>
#include <boost/archive/iterators/transform_width.hpp>
#include <nlohmann/json.hpp>

#include <tuple>

namespace myq {

namespace {

std::string base64(std::string_view bytes) {
    using Sextets = boost::archive::iterators::transform_width<const char*, 6, 8>;
    using Letters = boost::archive::iterators::base64_from_binary<Sextets>;
    // The iterators read whole groups of three.
    const std::size_t padding = (3 - bytes.size() % 3) % 3;
    const std::string groups = std::string(bytes) + std::string(padding, '\0');
    std::string text(Letters(groups.data()), Letters(groups.data() + groups.size()));
    text.replace(text.size() - padding, padding, padding, '=');
    return text;
}

// The JSON library knows best what it is willing to write.
bool is_utf8(std::string_view bytes) {
    try {
        std::ignore = nlohmann::json(bytes).dump();
        return true;
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

}  // namespace

std::string json_text(std::string_view bytes) {
    return is_utf8(bytes) ? std::string(bytes) : printable(bytes);
}

nlohmann::ordered_json to_json(const Message& message) {
    return to_json(message.type, message.body);
}

nlohmann::ordered_json to_json(std::int64_t type, std::span<const std::byte> bytes) {
    const std::string_view body = text_of(bytes);
    nlohmann::ordered_json json = {{"type", type}, {"size", body.size()}};
    if (is_utf8(body)) {
        json["body"] = body;
    } else {
        json["body_base64"] = base64(body);
    }
    return json;
}

}  // namespace myq
