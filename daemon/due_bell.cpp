#include "daemon/due_bell.hpp"

#include "daemon/unix/failure.hpp"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace myq {

namespace {

constexpr std::size_t page = 4096;

void ring(const Fd& bell) noexcept {
    const std::uint64_t one = 1;
    // Fails only when it rings already.
    [[maybe_unused]] const ssize_t ignored = ::write(bell.value(), &one, sizeof one);
}

}  // namespace

DueBell::DueBell(std::int64_t due_ms)
    : supervisor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      worker_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!supervisor_ || !worker_) throw failure("eventfd");
    void* memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw failure("mmap");
    next_ = new (memory) std::atomic<std::int64_t>(due_ms);
}

DueBell::~DueBell() {
    ::munmap(next_, page);
}

void DueBell::announce(std::int64_t due_ms) const noexcept {
    std::int64_t known = *next_;
    while (due_ms < known && !next_->compare_exchange_weak(known, due_ms)) {
    }
    ring(supervisor_);
    ring(worker_);
}

void DueBell::silence(int fd) noexcept {
    std::uint64_t rings = 0;
    [[maybe_unused]] const ssize_t ignored = ::read(fd, &rings, sizeof rings);
}

}  // namespace myq
