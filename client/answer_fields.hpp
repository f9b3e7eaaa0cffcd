#pragma once

#include "client/failure.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

// Fields of what the daemon answers. Whoever sits on its socket may say anything, so nothing is cut
// short, and nothing is made of something else as nlohmann's get() does: std::invalid_argument says
// which field is none. A field that is missing is an exception of nlohmann's.
namespace myq::answer {

// For whoever asked: what came is not to be read, and `why`.
Failure unreadable(const std::exception& why);

[[noreturn]] void refuse(const char* name, const char* wanted);  // "'pid' is no such number"

template <typename Integer>
Integer integer(const nlohmann::json& value, const char* name) {
    const bool is_fit =
        value.is_number_unsigned()
            ? std::in_range<Integer>(value.get<std::uint64_t>())
            : value.is_number_integer() && std::in_range<Integer>(value.get<std::int64_t>());
    if (!is_fit) refuse(name, "no such number");
    return value.get<Integer>();
}

template <typename Integer>
Integer integer_in(const nlohmann::json& object, const char* name) {
    return integer<Integer>(object.at(name), name);
}

// The same, or nullopt for null.
template <typename Integer>
std::optional<Integer> integer_if_known(const nlohmann::json& object, const char* name) {
    if (object.at(name).is_null()) return std::nullopt;
    return integer_in<Integer>(object, name);
}

std::uint64_t count(const nlohmann::json& object, const char* name);
bool flag(const nlohmann::json& object, const char* name);
std::string text(const nlohmann::json& object, const char* name);
const nlohmann::json& list(const nlohmann::json& object, const char* name);

// Milliseconds since 1970, of the years up to 9999: what a calendar can show.
std::int64_t moment(const nlohmann::json& object, const char* name);

}  // namespace myq::answer
