#include "ipc/huge_pages.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace myq {

namespace {

#ifdef MADV_COLLAPSE
constexpr int collapse = MADV_COLLAPSE;
#else
constexpr int collapse = 25;  // since Linux 6.1; glibc 2.36 does not know it
#endif

// The kernel makes a huge page of small ones on request, whatever
// transparent_hugepage/shmem_enabled says, if the first of them is there.
bool make_huge_page(std::byte* at) noexcept {
    volatile std::byte& first = *at;
    first = first;
    return madvise(at, huge_page, collapse) == 0;
}

bool make_small_pages(std::span<std::byte> memory) noexcept {
    constexpr std::uintptr_t page = 4096;
    const auto begin = reinterpret_cast<std::uintptr_t>(memory.data()) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(memory.data() + memory.size());
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE) == 0) return true;
    return errno == EINVAL;  // an old kernel: the faults will do it
}

}  // namespace

void* reserve_for_huge_pages(std::size_t size) noexcept {
    if (size < huge_page) return nullptr;
    const std::size_t more = size + huge_page;
    void* const memory =
        mmap(nullptr, more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    auto* const begin = static_cast<std::byte*>(memory);
    const auto address = reinterpret_cast<std::uintptr_t>(begin);
    const std::size_t skipped = (huge_page - address % huge_page) % huge_page;
    constexpr std::size_t page = 4096;
    const std::size_t used = (size + page - 1) / page * page;
    if (skipped > 0) munmap(begin, skipped);
    if (more > skipped + used) munmap(begin + skipped + used, more - skipped - used);
    return begin + skipped;
}

bool make_pages(std::span<std::byte> memory) noexcept {
    while (!memory.empty()) {
        const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
        const std::size_t to_next = huge_page - address % huge_page;
        const auto piece = memory.first(std::min(memory.size(), to_next));
        const bool is_huge = piece.size() == huge_page && make_huge_page(piece.data());
        if (!is_huge && !make_small_pages(piece)) return false;
        memory = memory.subspan(piece.size());
    }
    return true;
}

}  // namespace myq
