#pragma once

#include "ipc/message_queue.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace myq {

// The bytes of a body as text.
inline std::string_view text_of(std::span<const std::byte> body) {
    return {reinterpret_cast<const char*>(body.data()), body.size()};
}
inline std::string_view text_of(const Message& message) {
    return text_of(message.body);
}

// {"type":7,"size":5,"body":"hello"}; a body that is not UTF-8 comes as "body_base64" instead.
nlohmann::ordered_json to_json(const Message& message);
nlohmann::ordered_json to_json(std::int64_t type, std::span<const std::byte> bytes);

// Fit for JSON: as it is if it is UTF-8, else printable().
std::string json_text(std::string_view bytes);

}  // namespace myq
