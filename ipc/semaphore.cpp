#include "ipc/semaphore.hpp"

#include <sys/sem.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <stdexcept>

namespace myq {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr int most_permits = 32767;  // SEMVMX

// semctl's fourth argument, which semctl(2) leaves to the caller to define.
union Argument {
    int value;
    void* pointer;
};

constexpr sembuf operation(SemaphoreSet::Member member, int change, int flags) {
    return {member, static_cast<short>(change), static_cast<short>(flags)};
}

timespec to_timespec(nanoseconds time) {
    const nanoseconds::rep count = std::max<nanoseconds::rep>(time.count(), 0);
    return {.tv_sec = count / 1'000'000'000, .tv_nsec = count % 1'000'000'000};
}

// All of the operations or none of them: 0 or the errno. Waits for ever without a timeout.
int operate(int id, std::span<sembuf> operations, std::optional<nanoseconds> timeout = {}) {
    timespec time{};
    if (timeout) time = to_timespec(*timeout);
    if (semtimedop(id, operations.data(), operations.size(), timeout ? &time : nullptr) == 0) {
        return 0;
    }
    return errno;
}

// Through signals, as PHP does it.
int operate_until(int id, std::span<sembuf> operations, steady_clock::time_point deadline) {
    for (;;) {
        const int error = operate(id, operations, deadline - steady_clock::now());
        if (error != EINTR) return error;
    }
}

const SemaphoreOptions& checked(const SemaphoreOptions& options, const std::string& name) {
    if (options.max_acquire >= 1 && options.max_acquire <= most_permits) return options;
    throw IpcError(IpcCall::semctl, ERANGE, name,
                   std::to_string(options.max_acquire) + " permits are not possible; use 1 to " +
                       std::to_string(most_permits));
}

// A time so far away that it is never, and yet no clock overflows.
steady_clock::time_point deadline_in(nanoseconds timeout) {
    constexpr nanoseconds century = std::chrono::hours{24 * 36525};
    return steady_clock::now() + std::min(timeout, century);
}

}  // namespace

Semaphore Semaphore::open(const QueueKey& key, const SemaphoreOptions& options) {
    return Semaphore(SemaphoreSet::open(key), options);
}

Semaphore Semaphore::create(const QueueKey& key, mode_t mode, const SemaphoreOptions& options) {
    checked(options, "semaphore " + key.text());  // before there is a set that nobody wants
    const SemaphoreSet set = SemaphoreSet::create(key, mode);
    try {
        return Semaphore(set, options);
    } catch (const IpcError& e) {
        if (e.error() == EACCES) set.remove();  // a mode that shuts its maker out
        throw;
    }
}

Semaphore Semaphore::open_or_create(const QueueKey& key, mode_t mode,
                                    const SemaphoreOptions& options, const Judge& judge) {
    // Not semget(IPC_CREAT) with the mode, as PHP has it: that asks an existing set for all the
    // permissions of the mode. Each turn means that somebody made or removed the set in between.
    for (int turns = 0;; ++turns) {
        try {
            return create(key, mode, options);
        } catch (const IpcError& e) {
            const bool came_or_went = e.error() == EEXIST || e.error() == EIDRM;
            if (!came_or_went || turns == 1000) throw;
        }
        try {
            const SemaphoreSet set = SemaphoreSet::open(key);
            judge(set);
            return Semaphore(set, options);
        } catch (const IpcError& e) {
            if (e.error() != ENOENT && e.error() != EIDRM) throw;
        }
    }
}

Semaphore::Semaphore(SemaphoreSet set, const SemaphoreOptions& options)
    : set_(std::move(set)),
      options_(checked(options, set_.name())) {
    attach();
}

Semaphore::~Semaphore() {
    leave();
}

Semaphore::Semaphore(Semaphore&& other) noexcept
    : set_(std::move(other.set_)),
      options_(other.options_),
      held_(std::exchange(other.held_, 0)),
      owner_(std::exchange(other.owner_, 0)) {}

Semaphore& Semaphore::operator=(Semaphore&& other) noexcept {
    if (this == &other) return *this;
    leave();
    set_ = std::move(other.set_);
    options_ = other.options_;
    held_ = std::exchange(other.held_, 0);
    owner_ = std::exchange(other.owner_, 0);
    return *this;
}

// PHP's sem_get(): under the lock, become a user; the only one sets the permits. Every step is
// undone if this process dies in it.
void Semaphore::attach() {
    using Set = SemaphoreSet;
    std::array enter{operation(Set::set_up, 0, 0), operation(Set::set_up, 1, SEM_UNDO),
                     operation(Set::users, 1, SEM_UNDO)};
    const int error = operate_until(set_.id(), enter, deadline_in(options_.set_up_wait));
    if (error == EAGAIN) {
        const int pid = semctl(set_.id(), Set::set_up, GETPID);
        throw IpcError(IpcCall::semop, EAGAIN, set_.name(),
                       "process " + std::to_string(pid) + " has been setting it up for " +
                           std::to_string(options_.set_up_wait.count()) +
                           " ms; if there is no such process, the set is damaged: remove it with "
                           "ipcrm -s " +
                           std::to_string(set_.id()));
    }
    if (error != 0) throw IpcError(IpcCall::semop, gone_or(error), set_.name());
    try {
        decide_permits();
    } catch (const IpcError&) {
        std::array back_out{operation(Set::set_up, -1, SEM_UNDO | IPC_NOWAIT),
                            operation(Set::users, -1, SEM_UNDO | IPC_NOWAIT)};
        operate(set_.id(), back_out);
        throw;
    }
    std::array done{operation(Set::set_up, -1, SEM_UNDO | IPC_NOWAIT)};
    if (const int left = operate(set_.id(), done); left != 0) {
        throw IpcError(IpcCall::semop, gone_or(left), set_.name());
    }
    owner_ = getpid();
    held_ = 0;
}

void Semaphore::decide_permits() {
    const int users = semctl(set_.id(), SemaphoreSet::users, GETVAL);
    if (users < 0) throw IpcError(IpcCall::semctl, gone_or(errno), set_.name());
    if (users != 1) return;
    const Argument argument{.value = options_.max_acquire};
    if (semctl(set_.id(), SemaphoreSet::permits, SETVAL, argument) < 0) {
        throw IpcError(IpcCall::semctl, gone_or(errno), set_.name());
    }
}

// The kernel's notes on what to undo are not inherited, so neither is what they stand for.
void Semaphore::be_user_here() {
    if (owner_ == 0) throw std::logic_error(set_.name() + ": used after it was moved from");
    if (owner_ != getpid()) attach();
}

void Semaphore::leave() noexcept {
    if (owner_ != getpid() || options_.at_end == AtEnd::keep) return;
    // Both at once, as PHP does it: nobody must find the permit free and us still counted, or the
    // reverse. IPC_NOWAIT, since a destructor must not wait if somebody meddled with the count.
    std::array operations{
        operation(SemaphoreSet::users, -1, SEM_UNDO | IPC_NOWAIT),
        operation(SemaphoreSet::permits, held_, SEM_UNDO),
    };
    const std::span all(operations);
    const int error = operate(set_.id(), held_ > 0 ? all : all.first(1));
    if (error == EAGAIN && held_ > 0) operate(set_.id(), all.last(1));
    // Any other error means that the set is gone.
    owner_ = 0;
}

AcquireStatus Semaphore::take(std::optional<nanoseconds> timeout) {
    be_user_here();
    const bool now = timeout && *timeout <= nanoseconds::zero();
    std::array operations{operation(SemaphoreSet::permits, -1, SEM_UNDO | (now ? IPC_NOWAIT : 0))};
    const int error = operate(set_.id(), operations, now ? std::nullopt : timeout);
    switch (error) {
    case 0:
        ++held_;
        return AcquireStatus::acquired;
    case EAGAIN:
        return AcquireStatus::timed_out;
    case EINTR:
        return AcquireStatus::interrupted;
    default:
        throw IpcError(IpcCall::semop, gone_or(error), set_.name());
    }
}

AcquireStatus Semaphore::acquire() {
    return take(std::nullopt);
}

AcquireStatus Semaphore::acquire_for(nanoseconds timeout) {
    return take(timeout);
}

bool Semaphore::try_acquire() {
    return take(nanoseconds::zero()) == AcquireStatus::acquired;
}

void Semaphore::release() {
    if (held() == 0) {
        throw std::logic_error(set_.name() + ": released without being held by this object in this "
                                             "process; acquire it first");
    }
    std::array operations{operation(SemaphoreSet::permits, 1, SEM_UNDO)};
    const int error = operate(set_.id(), operations);
    if (error != 0) throw IpcError(IpcCall::semop, gone_or(error), set_.name());
    --held_;
}

int Semaphore::held() const {
    return owner_ == getpid() ? held_ : 0;
}

SemaphoreGuard::SemaphoreGuard(Semaphore& semaphore) : SemaphoreGuard(semaphore, Acquired{}) {
    semaphore_ = nullptr;  // if acquire() throws, nothing is to be released
    while (semaphore.acquire() == AcquireStatus::interrupted) {
    }
    semaphore_ = &semaphore;
}

SemaphoreGuard::SemaphoreGuard(Semaphore& semaphore, Acquired)
    : semaphore_(&semaphore),
      owner_(getpid()) {}

std::optional<SemaphoreGuard> SemaphoreGuard::try_acquire(Semaphore& semaphore) {
    if (!semaphore.try_acquire()) return std::nullopt;
    return SemaphoreGuard(semaphore, Acquired{});
}

std::optional<SemaphoreGuard> SemaphoreGuard::acquire_for(Semaphore& semaphore,
                                                          nanoseconds timeout) {
    const auto deadline = deadline_in(timeout);
    for (;;) {
        const AcquireStatus status = semaphore.acquire_for(deadline - steady_clock::now());
        if (status == AcquireStatus::acquired) return SemaphoreGuard(semaphore, Acquired{});
        if (status == AcquireStatus::timed_out) return std::nullopt;
    }
}

SemaphoreGuard::~SemaphoreGuard() {
    try {
        release();
    } catch (const std::exception&) {
        // The semaphore was removed, and its permits with it.
    }
}

SemaphoreGuard::SemaphoreGuard(SemaphoreGuard&& other) noexcept
    : semaphore_(std::exchange(other.semaphore_, nullptr)),
      owner_(other.owner_) {}

SemaphoreGuard& SemaphoreGuard::operator=(SemaphoreGuard&& other) noexcept {
    std::swap(semaphore_, other.semaphore_);
    std::swap(owner_, other.owner_);
    return *this;
}

void SemaphoreGuard::release() {
    Semaphore* const semaphore = std::exchange(semaphore_, nullptr);
    if (semaphore != nullptr && owner_ == getpid()) semaphore->release();
}

}  // namespace myq
