#pragma once

#include <sys/types.h>

#include <string>

namespace myq {

// Whom the daemon runs as.
struct Identity {
    std::string user, group;
    uid_t uid = 0;
    gid_t gid = 0;
};

// The named user and group. Throws std::invalid_argument with a sentence when there is none, and
// for root: a daemon that runs strangers' messages through plugins is never root.
Identity find_identity(const std::string& user, const std::string& group);

// The caller's own.
Identity current_identity();

// 1000, or nothing found: std::invalid_argument "there is no group 'x'; groupadd --system x".
gid_t find_group(const std::string& group);
uid_t find_user(const std::string& user);

struct DropOptions {
    bool no_new_privs = true;
    bool keep_ipc_owner = false;  // CAP_IPC_OWNER stays
};

// From root to `identity`, for ever: groups, gid, uid, capabilities, no_new_privs, in the one order
// that works, each step checked, then proved: the way back must be shut. Throws on any doubt, and
// the process must then end.
void drop_privileges(const Identity& identity, const DropOptions& options);

}  // namespace myq
