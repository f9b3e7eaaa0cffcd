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

// The kernel makes huge pages of small ones on request, whatever
// transparent_hugepage/shmem_enabled says, if the first small one of each is there. In one call:
// each first waits until every processor has put its fresh pages in order.
bool make_huge_pages(std::span<std::byte> whole) noexcept {
    for (std::size_t at = 0; at < whole.size(); at += huge_page) {
        volatile std::byte& first = whole[at];
        first = first;
    }
    return whole.empty() || madvise(whole.data(), whole.size(), collapse) == 0;
}

bool make_small_pages(std::span<std::byte> memory) noexcept {
    if (memory.empty()) return true;
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
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    const std::size_t to_first = (huge_page - address % huge_page) % huge_page;
    const std::size_t before = std::min(memory.size(), to_first);
    const auto whole = memory.subspan(before, (memory.size() - before) / huge_page * huge_page);
    const auto after = memory.subspan(before + whole.size());
    return make_small_pages(memory.first(before)) &&
           (make_huge_pages(whole) || make_small_pages(whole)) && make_small_pages(after);
}

}  // namespace myq
