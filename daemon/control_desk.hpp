#pragma once

#include "daemon/control_socket.hpp"
#include "daemon/crew.hpp"
#include "daemon/generation.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/plugin_rollout.hpp"
#include "daemon/slot_directory.hpp"
#include "daemon/unix/clock.hpp"

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <vector>

namespace myq {

// Answers whoever connects to the control socket, each in a process of its own, the clerk: the
// supervisor waits for nobody. All that it is made with must outlive it.
class ControlDesk {
public:
    ControlDesk(const ControlSocket& socket, const SlotDirectory& slots,
                const JournalPlace& journal, uid_t service)
        : socket_(socket),
          slots_(slots),
          journal_(journal),
          service_(service) {}

    // To be called when the socket is readable. Who comes while too many are served is sent away.
    void answer(const PluginRollout& rollout, const std::vector<WorkerInfo>& workers,
                const Generation& generation);

    // Of any child that has ended and is no worker.
    void ended(pid_t child) { clerks_.erase(child); }

private:
    int serve(const ControlSocket::Caller& caller, const PluginRollout& rollout,
              const std::vector<WorkerInfo>& workers, const Generation& generation) const noexcept;

    const ControlSocket& socket_;
    const SlotDirectory& slots_;
    const JournalPlace& journal_;
    uid_t service_;
    std::int64_t started_ms_ = wall_clock_ms();
    std::set<pid_t> clerks_;
};

}  // namespace myq
