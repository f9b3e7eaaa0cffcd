#include "client/answer_fields.hpp"

#include "config/text.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace myq::answer {

Failure unreadable(const std::exception& why) {
    return {ExitCode::internal,
            fmt::format("the daemon's answer cannot be read: {}: is myqd of another version?",
                        myq::quoted(why.what()))};
}

void refuse(const char* name, const char* wanted) {
    throw std::invalid_argument(fmt::format("'{}' is {}", name, wanted));
}

std::uint64_t count(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = object.at(name);
    if (!value.is_number_unsigned()) refuse(name, "no count");
    return value.get<std::uint64_t>();
}

bool flag(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = object.at(name);
    if (!value.is_boolean()) refuse(name, "neither true nor false");
    return value.get<bool>();
}

std::string text(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = object.at(name);
    if (!value.is_string()) refuse(name, "no text");
    return value.get<std::string>();
}

const nlohmann::json& list(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = object.at(name);
    if (!value.is_array()) refuse(name, "no list");
    return value;
}

std::int64_t moment(const nlohmann::json& object, const char* name) {
    constexpr std::int64_t end_of_9999 = 253'402'300'799'999;
    const auto ms = integer_in<std::int64_t>(object, name);
    if (ms < 0 || ms > end_of_9999) refuse(name, "no time");
    return ms;
}

}  // namespace myq::answer
