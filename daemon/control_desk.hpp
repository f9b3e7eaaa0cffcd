#pragma once

#include "daemon/control_callers.hpp"
#include "daemon/control_socket.hpp"
#include "daemon/crew.hpp"
#include "daemon/generation.hpp"
#include "daemon/journal_access.hpp"
#include "daemon/plugin_rollout.hpp"
#include "daemon/reload_callers.hpp"
#include "daemon/slot_directory.hpp"
#include "daemon/unix/clock.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace myq {

// Answers whoever connects to the control socket, each in a process of its own, the clerk: the
// supervisor waits for nobody. All that it is made with must outlive it.
class ControlDesk {
public:
    ControlDesk(const ControlSocket& socket, const SlotDirectory& slots,
                const JournalPlace& journal, uid_t service)
        : callers_(socket, service),
          slots_(slots),
          journal_(journal),
          service_(service) {}

    int fd() const { return callers_.fd(); }

    // To be called when fd() is readable. True: somebody who may do so asks for a reload.
    bool answer(const PluginRollout& rollout, const std::vector<WorkerInfo>& workers,
                const Generation& generation);

    // Of any reload, whoever asked for it; as ReloadCallers.
    void reload_begins() { reloads_.begins(); }
    void reload_ended(const std::string& refusal) { reloads_.ended(refusal); }

    // Of any child that has ended and is no worker.
    void ended(pid_t child) { callers_.ended(child); }

private:
    bool may_change(const ControlSocket::Caller& caller) const;
    int serve(const ControlSocket::Caller& caller, const std::string& question,
              const PluginRollout& rollout, const std::vector<WorkerInfo>& workers,
              const Generation& generation) const noexcept;

    ControlCallers callers_;
    ReloadCallers reloads_;
    const SlotDirectory& slots_;
    const JournalPlace& journal_;
    uid_t service_;
    std::int64_t started_ms_ = wall_clock_ms();
};

}  // namespace myq
