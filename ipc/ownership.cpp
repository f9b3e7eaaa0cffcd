#include "ipc/ownership.hpp"

#include <cerrno>

namespace myq {

void check(const OwnershipSettings& settings, IpcCall call, const std::string& name) {
    const auto refuse = [&](const char* sentence) { throw IpcError(call, EINVAL, name, sentence); };
    if (settings.uid == static_cast<uid_t>(-1)) refuse("uid -1 is nobody's; name another user");
    if (settings.gid == static_cast<gid_t>(-1)) refuse("gid -1 is nobody's; name another group");
    if (settings.mode && *settings.mode > 0777) {
        refuse("a mode has nine permission bits; use 0 to 0777");
    }
}

}  // namespace myq
