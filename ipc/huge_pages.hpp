#pragma once

#include <cstddef>
#include <span>

// Large memory that is shared costs a page fault for every 4 KiB of it, in each process: several
// times what it costs to copy into it. As pages of 2 MiB it costs one fault for 512 of them.
namespace myq {

constexpr std::size_t huge_page = std::size_t{2} << 20U;

// `size` rounded up to whole huge pages, where that wastes little of the last one, or of the only
// one; else as it is.
constexpr std::size_t in_huge_pages(std::size_t size) {
    constexpr std::size_t worth_it = huge_page / 8;
    const std::size_t rest = size % huge_page;
    return rest >= worth_it ? size - rest + huge_page : size;
}

// An address at which memory of this size begins with a huge page: reserved, to be mapped over.
// nullptr for memory that is too small for one, or when there is none.
void* reserve_for_huge_pages(std::size_t size) noexcept;

// Makes all pages of `memory`, which was just mapped for writing and is not used yet: huge ones as
// far as there are any, else small ones. False if there is no memory for them. Dearer by the call
// than by the page where other work runs.
bool make_pages(std::span<std::byte> memory) noexcept;

}  // namespace myq
