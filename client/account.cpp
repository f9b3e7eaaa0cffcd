#include "client/account.hpp"

#include "client/failure.hpp"
#include "config/text.hpp"

#include <fmt/format.h>

#include <grp.h>
#include <pwd.h>

#include <charconv>
#include <cstdint>
#include <optional>

namespace myq {

namespace {

// -1 is no id: to chown(2) and its kin it means "leave it".
std::optional<std::uint32_t> number(const std::string& text) {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end || value == UINT32_MAX) return std::nullopt;
    return value;
}

Failure unknown(const char* kind, const std::string& text) {
    return {ExitCode::usage, fmt::format("{} {}: there is none of this name: give a name that "
                                         "getent knows, or a number",
                                         kind, myq::quoted(text))};
}

}  // namespace

std::string user_name(uid_t uid) {
    const passwd* entry = getpwuid(uid);
    return entry == nullptr ? std::to_string(uid) : entry->pw_name;
}

std::string group_name(gid_t gid) {
    const group* entry = getgrgid(gid);
    return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}

uid_t find_user(const std::string& text) {
    if (const passwd* entry = getpwnam(text.c_str())) return entry->pw_uid;
    if (const auto uid = number(text)) return *uid;
    throw unknown("user", text);
}

gid_t find_group(const std::string& text) {
    if (const group* entry = getgrnam(text.c_str())) return entry->gr_gid;
    if (const auto gid = number(text)) return *gid;
    throw unknown("group", text);
}

}  // namespace myq
