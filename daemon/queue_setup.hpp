#pragma once

#include "config/config.hpp"
#include "daemon/unix/privileges.hpp"
#include "ipc/message_queue.hpp"

#include <string>
#include <vector>

namespace myq {

// A queue of the config, found or made as the config has it.
struct ReadyQueue {
    MessageQueue queue;
    bool created = false;
    std::vector<std::string> remarks;  // what could not be had, a sentence each
};

// Finds or makes the queue and gives it owner, group, mode and capacity in one msgctl(IPC_SET), if
// they differ. A queue whose creator is neither root, nor `service`, nor named under `creators` is
// refused. A capacity above kernel.msgmnb without CAP_SYS_RESOURCE becomes msgmnb, with a remark.
// Throws IpcError, std::invalid_argument (unknown group or creator).
ReadyQueue set_up_queue(const QueueConfig& config, const Identity& service);

// Whether set_up_queue() would refuse; changes nothing. Throws as it does.
void check_queue(const QueueConfig& config, const Identity& service);

}  // namespace myq
