#pragma once

#include <sys/types.h>

#include <string>

namespace myq {

// The name of a user or group; the number where there is none.
std::string user_name(uid_t uid);
std::string group_name(gid_t gid);

// A user or group by name or number; Failure if there is none.
uid_t find_user(const std::string& text);
gid_t find_group(const std::string& text);

}  // namespace myq
