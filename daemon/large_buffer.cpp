#include "daemon/large_buffer.hpp"

#include "daemon/unix/failure.hpp"
#include "ipc/huge_pages.hpp"

#include <sys/mman.h>

#include <utility>

namespace myq {

namespace {

constexpr std::size_t page = 4096;
// A buffer that is this many times too large, so often in a row, is given back.
constexpr std::size_t much = 4;
constexpr int long_enough = 16;
// What is not worth to be given back.
constexpr std::size_t little = std::size_t{4} << 20U;

}  // namespace

LargeBuffer::~LargeBuffer() {
    free_memory();
}

std::span<std::byte> LargeBuffer::room(std::size_t size) {
    if (!is_fit_for(size)) {
        try {
            make((in_huge_pages(size) + page - 1) / page * page);
        } catch (...) {
            free_memory();  // half a buffer is none
            throw;
        }
    }
    size_ = size;
    return {writable_, size_};
}

// The first of its size may be the only one.
void LargeBuffer::rest() noexcept {
    if (size_ == 0) return;
    const bool is_unusual = size_ > little && size_ / much > last_size_;
    last_size_ = size_;
    size_ = 0;
    if (is_unusual) free_memory();
}

bool LargeBuffer::is_fit_for(std::size_t size) {
    if (size > capacity_) return false;
    much_smaller_ = size < capacity_ / much ? much_smaller_ + 1 : 0;
    return much_smaller_ < long_enough;
}

void LargeBuffer::make(std::size_t capacity) {
    free_memory();
    const auto refuse_if = [](bool failed) {
        if (failed) throw failure("no memory for a large body");
    };
    void* const here = reserve_for_huge_pages(capacity);
    void* const memory =
        ::mmap(here, capacity, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS | (here != nullptr ? MAP_FIXED : 0), -1, 0);
    refuse_if(memory == MAP_FAILED);
    writable_ = static_cast<std::byte*>(memory);
    capacity_ = capacity;
    // Of shared memory, an old size of 0 makes a second mapping of the same pages.
    void* const there = reserve_for_huge_pages(capacity);
    void* const second = ::mremap(memory, 0, capacity,
                                  MREMAP_MAYMOVE | (there != nullptr ? MREMAP_FIXED : 0), there);
    refuse_if(second == MAP_FAILED);
    read_only_ = static_cast<const std::byte*>(second);
    refuse_if(::mprotect(second, capacity, PROT_READ) != 0 || !make_pages({writable_, capacity}) ||
              ::madvise(second, capacity, MADV_POPULATE_READ) != 0);
    // A process that a handler forks has no business in it.
    ::madvise(memory, capacity, MADV_DONTFORK);
    ::madvise(second, capacity, MADV_DONTFORK);
}

void LargeBuffer::free_memory() noexcept {
    if (writable_ != nullptr) ::munmap(writable_, capacity_);
    if (read_only_ != nullptr) ::munmap(const_cast<std::byte*>(read_only_), capacity_);  // NOLINT
    writable_ = nullptr;
    read_only_ = nullptr;
    capacity_ = 0;
    size_ = 0;
    much_smaller_ = 0;
}

}  // namespace myq
