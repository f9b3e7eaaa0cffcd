#include "daemon/process_on_slot.hpp"

#include "daemon/exit_code.hpp"
#include "daemon/logging.hpp"
#include "daemon/unix/daemonize.hpp"
#include "daemon/unix/signals.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>

namespace myq {

int live_on_slot(
    const std::string& queue, const WorkerSeat& seat,
    const std::function<void(Slot&, const std::function<void()>& ready)>& body) noexcept {
    Readiness readiness{std::move(seat.report)};
    bool is_ready = false;
    try {
        become_interruptible(seat.supervisor, [] { reopen_log(); });
        Slot slot(seat.slot);
        body(slot, [&] {
            readiness.ready();
            is_ready = true;
        });
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        const int code = exit_code(e);
        if (is_ready) {
            spdlog::error("queue {}: worker: {}", queue, e.what());
        } else {
            readiness.failed(e.what(), code);
        }
        return code;
    }
}

}  // namespace myq
