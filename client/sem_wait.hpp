#pragma once

#include "ipc/semaphore.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace myq {

// How long to wait for a permit, and how many there are.
struct SemWait {
    int max_acquire = 1;
    bool nowait = false;
    std::optional<std::chrono::milliseconds> timeout;

    void add(CLI::App& verb);

    SemaphoreOptions options(AtEnd at_end) const;
    std::optional<std::chrono::nanoseconds> limit() const;  // none: for ever

    // Failure (75) unless the permit is there; what a signal interrupted is tried again.
    template <typename Attempt>
    void until_acquired(const std::string& name, const Attempt& attempt) const {
        for (;;) {
            const AcquireStatus status = attempt();
            if (status == AcquireStatus::acquired) return;
            if (status == AcquireStatus::timed_out) throw_held(name);
        }
    }

private:
    [[noreturn]] void throw_held(const std::string& name) const;
};

}  // namespace myq
