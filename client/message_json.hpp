#pragma once

#include "ipc/message_queue.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string_view>

namespace myq {

// The bytes of a body as text.
inline std::string_view text_of(const Message& message) {
    return {reinterpret_cast<const char*>(message.body.data()), message.body.size()};
}

// {"type":7,"size":5,"body":"hello"}; a body that is not UTF-8 comes as "body_base64" instead.
nlohmann::ordered_json to_json(const Message& message);

}  // namespace myq
