#include "daemon/control_desk.hpp"

#include "daemon/plugin_report.hpp"
#include "daemon/status.hpp"
#include "daemon/unix/child.hpp"

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace myq {

namespace {

// A clerk that takes longer is ended by SIGALRM, whatever holds it up.
constexpr unsigned most_seconds = 30;

}  // namespace

bool ControlDesk::answer(const PluginRollout& rollout, const std::vector<WorkerInfo>& workers,
                         const Generation& generation) {
    bool reload_is_wanted = false;
    callers_.look([&](ControlSocket::Caller& caller, const std::string& question) {
        if (question == "reload" && may_change(caller)) {
            if (reloads_.take(caller)) reload_is_wanted = true;
            return 0;
        }
        try {
            // The bells that it may ring, and the plugins' code, whose size it tells.
            std::vector<int> keep = generation.bells;
            keep.push_back(caller.connection.value());
            for (const auto& [name, plugin] : rollout.plan().plugins)
                keep.push_back(plugin.image->memory.value());
            return fork_child([&] { return serve(caller, question, rollout, workers, generation); },
                              keep)
                .disown();
        } catch (const std::exception& e) {
            spdlog::error("control: {}", e.what());
            return 0;
        }
    });
    return reload_is_wanted;
}

bool ControlDesk::may_change(const ControlSocket::Caller& caller) const {
    return caller.uid == 0 || caller.uid == service_;
}

int ControlDesk::serve(const ControlSocket::Caller& caller, const std::string& question,
                       const PluginRollout& rollout, const std::vector<WorkerInfo>& workers,
                       const Generation& generation) const noexcept {
    ::alarm(most_seconds);
    try {
        if (question == "status") {
            ControlSocket::write(caller, status_report(rollout.plan(), workers, slots_, journal_,
                                                       started_ms_, reloads_.last()));
        } else if (question == "plugins") {
            ControlSocket::write(caller, plugin_report(rollout.plan(), rollout.history()));
        } else if (question == "look" && may_change(caller)) {
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
