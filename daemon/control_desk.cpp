#include "daemon/control_desk.hpp"

#include "daemon/plugin_report.hpp"
#include "daemon/status.hpp"
#include "daemon/unix/child.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <functional>
#include <string>

namespace myq {

namespace {

constexpr std::size_t most_clerks = 8;

}  // namespace

void ControlDesk::answer(const PluginRollout& rollout, const std::vector<WorkerInfo>& workers,
                         const Generation& generation) {
    const auto caller = socket_.accept();
    if (!caller || clerks_.size() >= most_clerks) return;
    try {
        ChildPid clerk = fork_child([&] { return serve(*caller, rollout, workers, generation); });
        clerks_.insert(clerk.disown());
    } catch (const std::exception& e) {
        spdlog::error("control: {}", e.what());
    }
}

int ControlDesk::serve(const ControlSocket::Caller& caller, const PluginRollout& rollout,
                       const std::vector<WorkerInfo>& workers,
                       const Generation& generation) const noexcept {
    try {
        const std::string question = ControlSocket::read_line(caller);
        if (question == "status") {
            ControlSocket::write(
                caller, status_report(rollout.plan(), workers, slots_, journal_, started_ms_));
        } else if (question == "plugins") {
            ControlSocket::write(caller, plugin_report(rollout.plan(), rollout.history()));
        } else if (question == "look" && (caller.uid == 0 || caller.uid == service_)) {
            for (const std::function<void()>& look : generation.look_again)
                look();
        }
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        spdlog::error("control: {}", e.what());
        return EXIT_FAILURE;
    }
}

}  // namespace myq
