#pragma once

#include "client/place.hpp"
#include "ipc/message_queue.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace myq {

// A message type as the user wrote it: a positive number, or the name of a handler of the queue.
std::int64_t parse_type(const std::string& text, const Address& address);

// The type to send: from `option` (--type), from behind the '/', or the only one that the queue's
// config knows. Failure lists what there is.
std::int64_t type_to_send(const std::string& option, const Address& address);

// The messages to take: any, TYPE, up-to:TYPE or except:TYPE from `option` or from behind the '/';
// any by default.
Selector parse_selector(const std::string& option, const Address& address);

// A type for people: the name of its handler in `config`, if it has one, else the number.
std::string type_text(const std::optional<Config>& config, const std::string& queue,
                      std::int64_t type);

}  // namespace myq
