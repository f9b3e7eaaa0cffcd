#include "client/doctor/process_rights.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace myq::doctor {

bool ProcessRights::may_receive(const QueueStat& queue) const {
    const auto is_member = [&](gid_t gid) {
        return std::ranges::find(groups, gid) != groups.end();
    };
    if (has_ipc_owner) return true;
    if (uid == queue.uid || uid == queue.creator_uid) return (queue.mode & 0400U) != 0;
    if (is_member(queue.gid) || is_member(queue.creator_gid)) return (queue.mode & 0040U) != 0;
    return (queue.mode & 0004U) != 0;
}

std::optional<ProcessRights> rights_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    std::optional<ProcessRights> rights;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name;
        words >> name;
        unsigned real = 0;
        unsigned effective = 0;
        if (name == "Uid:" && words >> real >> effective) {
            rights.emplace().uid = effective;
        } else if (rights && name == "Gid:" && words >> real >> effective) {
            rights->groups.push_back(effective);
        } else if (rights && name == "Groups:") {
            for (gid_t gid = 0; words >> gid;)
                rights->groups.push_back(gid);
        } else if (rights && name == "CapEff:") {
            std::uint64_t set = 0;
            words >> std::hex >> set;
            rights->has_ipc_owner = (set >> CAP_IPC_OWNER & 1U) != 0;
        }
    }
    return rights;
}

}  // namespace myq::doctor
