#pragma once

#include "ipc/ipc_error.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace myq {

// What one IPC_SET changes of any object; a field that is not set stays.
struct OwnershipSettings {
    std::optional<uid_t> uid;
    std::optional<gid_t> gid;
    std::optional<mode_t> mode;  // 0 to 0777
};

// Throws IpcError (EINVAL of `call`) for what no object can be given; `name` is what error
// sentences call it. The kernel would take some of it, and do something else.
void check(const OwnershipSettings& settings, IpcCall call, const std::string& name);

}  // namespace myq
