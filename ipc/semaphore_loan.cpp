#include "ipc/semaphore_loan.hpp"

#include <sys/sem.h>

#include <array>
#include <cerrno>

namespace myq {

AcquireStatus take_loan(const Semaphore& semaphore,
                        std::optional<std::chrono::nanoseconds> timeout) {
    using Member = SemaphoreSet::Member;
    std::array<sembuf, 2> steps{{{Member::permits, -1, 0}, {Member::users, 1, 0}}};
    timespec limit{};
    if (timeout) {
        limit.tv_sec = std::chrono::floor<std::chrono::seconds>(*timeout).count();
        limit.tv_nsec = (*timeout % std::chrono::seconds{1}).count();
    }
    const int id = semaphore.set().id();
    if (::semtimedop(id, steps.data(), steps.size(), timeout ? &limit : nullptr) == 0)
        return AcquireStatus::acquired;
    if (errno == EAGAIN) return AcquireStatus::timed_out;
    if (errno == EINTR) return AcquireStatus::interrupted;
    throw IpcError(IpcCall::semop, errno, semaphore.set().name());
}

bool return_loan(const SemaphoreSet& set) {
    using Member = SemaphoreSet::Member;
    std::array<sembuf, 2> steps{{{Member::users, -1, IPC_NOWAIT}, {Member::permits, 1, 0}}};
    if (::semop(set.id(), steps.data(), steps.size()) == 0) return true;
    if (errno == EAGAIN) return false;
    throw IpcError(IpcCall::semop, errno, set.name());
}

}  // namespace myq
