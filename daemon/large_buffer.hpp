#pragma once

#include <cstddef>
#include <span>

namespace myq {

// A process's own copy of a body that is too large for its slot, which handlers see through a
// second mapping that cannot be written. Kept from one body to the next, since fresh pages cost as
// much as the copy; after a while of much smaller ones it shrinks.
class LargeBuffer {
public:
    LargeBuffer() = default;
    ~LargeBuffer();
    LargeBuffer(const LargeBuffer&) = delete;
    LargeBuffer& operator=(const LargeBuffer&) = delete;

    // Room for the next body, which is at least a byte long. What was there is gone. Throws
    // std::system_error.
    std::span<std::byte> room(std::size_t size);

    // What was written to it.
    std::span<const std::byte> body() const { return {read_only_, size_}; }

private:
    bool is_fit_for(std::size_t size);
    void make(std::size_t capacity);
    void free_memory() noexcept;

    std::byte* writable_ = nullptr;
    const std::byte* read_only_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    int much_smaller_ = 0;  // bodies in a row
};

}  // namespace myq
