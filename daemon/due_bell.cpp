#include "daemon/due_bell.hpp"

#include "daemon/unix/failure.hpp"

#include <climits>

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace myq {

struct DueBell::Shared {
    std::atomic<std::int64_t> next;
    std::atomic<std::uint32_t> rings{0};
};

static_assert(std::atomic<std::uint32_t>::is_always_lock_free && sizeof(std::uint32_t) == 4);

DueBell::DueBell(std::int64_t due_ms) : supervisor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!supervisor_) throw failure("eventfd");
    void* memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw failure("mmap");
    shared_ = new (memory) Shared{due_ms};
}

DueBell::~DueBell() {
    ::munmap(shared_, sizeof(Shared));
}

void DueBell::announce(std::int64_t due_ms) const noexcept {
    std::int64_t known = shared_->next;
    while (due_ms < known && !shared_->next.compare_exchange_weak(known, due_ms)) {
    }
    ++shared_->rings;
    ::syscall(SYS_futex, &shared_->rings, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    const std::uint64_t one = 1;
    // Fails only when it rings already.
    [[maybe_unused]] const ssize_t ignored = ::write(supervisor_.value(), &one, sizeof one);
}

std::int64_t DueBell::next() const {
    return shared_->next;
}

std::int64_t DueBell::take() const {
    return shared_->next.exchange(never);
}

std::uint32_t DueBell::rings() const {
    return shared_->rings;
}

void DueBell::wait(std::uint32_t seen, std::optional<std::chrono::milliseconds> patience) const {
    timespec timeout{};
    if (patience) {
        timeout.tv_sec = patience->count() / 1'000;
        timeout.tv_nsec = patience->count() % 1'000 * 1'000'000;
    }
    // futex(2) looks at the count once more before it sleeps, so that no ring falls between.
    ::syscall(SYS_futex, &shared_->rings, FUTEX_WAIT, seen, patience ? &timeout : nullptr, nullptr,
              0);
}

}  // namespace myq
