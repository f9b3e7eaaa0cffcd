#pragma once

#include <nlohmann/json_fwd.hpp>

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace myq {

// A message of a kernel queue for people: an envelope as what it asks for, in brackets, and its
// body, also where that lies in shared memory of `owner`, to whom the queue belongs; anything else
// as it is. Printable.
std::string shown_message(std::span<const std::byte> bytes, uid_t owner, std::int64_t now_ms);

// As to_json(Message): `size` counts the envelope too, which is a member of its own, `envelope`,
// and `body` is what is in it. One that cannot be read has the reason as its only member `error`,
// and is the body itself. Of a blob whose body cannot be had
// `body` is null and `error` says why, beside the others. The token in it is the sender's secret
// and is left out.
nlohmann::ordered_json message_to_json(std::int64_t type, std::span<const std::byte> bytes,
                                       uid_t owner);

}  // namespace myq
