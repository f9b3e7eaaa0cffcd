#pragma once

#include "ipc/semaphore.hpp"
#include "ipc/shared_memory.hpp"
#include "ipc/shared_variables_layout.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace myq {

enum class PutStatus {
    stored,
    full  // too little room; an old value of the same key is still there
};

// Variables in shared memory, as PHP's sysvshm keeps them: what shm_attach() returns there. A
// variable is an int64 key and bytes; PHP's own values are what serialize() writes.
//
// Nothing here is atomic, as in PHP: who reads while somebody writes may find half a change. All
// who use a segment agree on a Semaphore. Given as `lock`, it is held during each call, unless the
// caller holds it already, for instance around a read and the write that follows from it. It must
// have one permit, outlive this object and stay where it is. Who is killed while it holds the lock
// has lost the variable that it was putting, or damaged those behind it: the latter is a BadSegment
// from then on.
//
// Every function may throw IpcError, and BadSegment for a segment that is not, or no longer, in
// order: it is never written to, whereas PHP makes every segment its own.
class SharedVariables {
public:
    // The existing segment with this key.
    static SharedVariables open(const QueueKey& key, Access access, Semaphore* lock = nullptr);

    // A new segment of `size` bytes, of which the header takes 40; fails with EEXIST when the key
    // is taken. PHP's size, when none is given, is 10000.
    static SharedVariables create(const QueueKey& key, std::size_t size, mode_t mode,
                                  Semaphore* lock = nullptr);

    // The segment with this key, made if there is none; an existing one keeps its size and mode.
    // One that is still all 0 is set up.
    static SharedVariables open_or_create(const QueueKey& key, std::size_t size, mode_t mode,
                                          Semaphore* lock = nullptr);

    // In an existing segment, found in another way.
    SharedVariables(SharedMemory memory, Access access, Semaphore* lock = nullptr);

    bool has(std::int64_t key) const;

    // A copy of the bytes; nullopt when there is no such variable. PHP takes the first of several.
    std::optional<std::vector<std::byte>> value(std::int64_t key) const;

    // The variable becomes the last. A copy of `value`, any bytes and any number of them.
    [[nodiscard]] PutStatus put(std::int64_t key, std::span<const std::byte> value);

    // Whether there was one.
    bool remove(std::int64_t key);

    // Every variable from first to last, each with a copy of its bytes that lasts for the call. The
    // visitor runs under the lock and changes no variable.
    using Visitor = std::function<void(std::int64_t key, std::span<const std::byte> value)>;
    void each(const Visitor& visitor) const;

    // How many bytes there are for further variables; each takes room_for() its length.
    std::size_t room() const;
    static constexpr std::size_t room_for(std::size_t length) {
        return variable_layout::chunk_size(length);
    }

    // For stat(), set() and remove(), PHP's shm_remove(): this object works on after it.
    const SharedMemory& memory() const { return memory_; }

private:
    SharedVariables(SharedMemory memory, AttachedMemory attached, Semaphore* lock)
        : memory_(std::move(memory)),
          attached_(std::move(attached)),
          lock_(lock) {}

    static SharedVariables create_locked(const QueueKey& key, std::size_t size, mode_t mode,
                                         Semaphore* lock);
    static SharedVariables set_up_locked(const QueueKey& key, Semaphore* lock);

    variable_layout::Segment segment() const { return {attached_.bytes(), memory_.name()}; }

    SharedMemory memory_;
    AttachedMemory attached_;
    Semaphore* lock_;
};

}  // namespace myq
