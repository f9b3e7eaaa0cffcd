#pragma once

#include "ipc/semaphore_set.hpp"

#include <chrono>
#include <functional>
#include <optional>

namespace myq {

// What becomes of the permits that a Semaphore still holds when it is destroyed: PHP's
// auto_release. Of its process they are always taken back by the kernel when that ends (SEM_UNDO),
// so `keep` is for what outlives objects, such as one request after the other in one worker.
enum class AtEnd : bool { keep, release };

struct SemaphoreOptions {
    // How many permits there are: 1 to 32767. The first user decides; for others who come while
    // there is one it is ignored, as in PHP.
    int max_acquire = 1;

    AtEnd at_end = AtEnd::release;

    // How long somebody else may take to set it up, which takes microseconds. A set whose lock was
    // left behind would stop PHP, and us, for ever.
    std::chrono::milliseconds set_up_wait{10'000};
};

enum class AcquireStatus {
    acquired,
    timed_out,
    interrupted  // a signal handler ran, and nothing was acquired
};

// One user of a semaphore, in step with PHP's sysvsem: what sem_get() returns there.
//
// A user counts as long as it lives: PHP sets the permits anew for whoever comes first, so one who
// acquires without being counted loses the lock to the next script. Permits and count are undone by
// the kernel if the process dies. Not recursive: two objects of one process block each other.
//
// After fork() a child owns nothing: its copy holds no permit, and destroying it releases none, for
// undoing is a matter of each process. The first acquire makes the child a user of its own.
// Every function but the destructor may throw IpcError; EIDRM says that the set was removed, also
// while waiting. It is not for several threads.
class Semaphore {
public:
    // The existing semaphore with this key. Needs read and write permission, as the next two.
    static Semaphore open(const QueueKey& key, const SemaphoreOptions& options = {});

    // A new one; fails with EEXIST when the key is taken.
    static Semaphore create(const QueueKey& key, mode_t mode, const SemaphoreOptions& options = {});

    // The one with this key, made if there is none; the mode of an existing one stays. `judge` sees
    // an existing one before it is touched, and throws if it is not to be used.
    using Judge = std::function<void(const SemaphoreSet& existing)>;
    static Semaphore open_or_create(
        const QueueKey& key, mode_t mode, const SemaphoreOptions& options = {},
        const Judge& judge = [](const SemaphoreSet&) {});

    explicit Semaphore(SemaphoreSet set, const SemaphoreOptions& options = {});
    ~Semaphore();
    Semaphore(Semaphore&& other) noexcept;
    Semaphore& operator=(Semaphore&& other) noexcept;
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;

    // Waits for a permit: acquired or interrupted. PHP waits through signals; see SemaphoreGuard.
    [[nodiscard]] AcquireStatus acquire();
    [[nodiscard]] AcquireStatus acquire_for(std::chrono::nanoseconds timeout);
    [[nodiscard]] bool try_acquire();

    // Gives one permit back. std::logic_error when this object holds none in this process, even if
    // another object does: PHP refuses the same.
    void release();

    // The permits that this object holds in this process.
    int held() const;

    const SemaphoreSet& set() const { return set_; }

private:
    void attach();
    void decide_permits();
    void be_user_here();
    void leave() noexcept;
    AcquireStatus take(std::optional<std::chrono::nanoseconds> timeout);

    SemaphoreSet set_;
    SemaphoreOptions options_;
    int held_ = 0;
    pid_t owner_ = 0;  // the process that is the user; 0 when moved from
};

// Holds one permit from its construction to its end. The semaphore must outlive it and stay where
// it is. In a child after fork() it holds nothing and releases nothing.
class SemaphoreGuard {
public:
    // Waits through signals, as sem_acquire() does.
    explicit SemaphoreGuard(Semaphore& semaphore);

    // nullopt when the semaphore is not to be had now, or within `timeout`; also through signals.
    static std::optional<SemaphoreGuard> try_acquire(Semaphore& semaphore);
    static std::optional<SemaphoreGuard> acquire_for(Semaphore& semaphore,
                                                     std::chrono::nanoseconds timeout);

    ~SemaphoreGuard();
    SemaphoreGuard(SemaphoreGuard&& other) noexcept;
    SemaphoreGuard& operator=(SemaphoreGuard&& other) noexcept;
    SemaphoreGuard(const SemaphoreGuard&) = delete;
    SemaphoreGuard& operator=(const SemaphoreGuard&) = delete;

    // Before its end, and with the errors that a destructor has to keep to itself.
    void release();

private:
    struct Acquired {};
    SemaphoreGuard(Semaphore& semaphore, Acquired);

    Semaphore* semaphore_;  // nullptr when released
    pid_t owner_;
};

}  // namespace myq
