#pragma once

#include <cstddef>
#include <span>

namespace myq {

// A process's own copy of a body that is too large for its slot, which handlers see through a
// second mapping that cannot be written. Kept from one body to the next, since fresh pages cost as
// much as the copy; after a while of much smaller ones it shrinks, and after one that is much
// larger than the one before it is given back at once.
class LargeBuffer {
public:
    LargeBuffer() = default;
    ~LargeBuffer();
    LargeBuffer(const LargeBuffer&) = delete;
    LargeBuffer& operator=(const LargeBuffer&) = delete;

    // Room for the next body, which is at least a byte long. What was there is gone. Throws
    // std::system_error.
    std::span<std::byte> room(std::size_t size);

    // What was there is not needed any more.
    void rest() noexcept;

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
    std::size_t last_size_ = 0;  // of the body before
    int much_smaller_ = 0;       // bodies in a row
};

}  // namespace myq
