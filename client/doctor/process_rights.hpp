#pragma once

#include "ipc/message_queue.hpp"

#include <sys/types.h>

#include <optional>
#include <vector>

namespace myq::doctor {

// What a process may do with System V objects.
struct ProcessRights {
    uid_t uid = 0;
    std::vector<gid_t> groups;
    bool has_ipc_owner = false;  // the capability, to which permissions are nothing

    // As the kernel judges: the first of owner, group and others that fits decides.
    bool may_receive(const QueueStat& queue) const;
};

// nullopt where /proc does not show it, or it has ended.
std::optional<ProcessRights> rights_of(pid_t pid);

}  // namespace myq::doctor
