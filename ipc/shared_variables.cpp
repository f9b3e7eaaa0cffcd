#include "ipc/shared_variables.hpp"

#include <cerrno>

namespace myq {

namespace {

// Nothing where there is no lock, or where the caller has it: it cannot be had twice.
std::optional<SemaphoreGuard> hold(Semaphore* lock) {
    if (lock == nullptr || lock->held() > 0) return std::nullopt;
    return SemaphoreGuard(*lock);
}

}  // namespace

SharedVariables SharedVariables::open(const QueueKey& key, Access access, Semaphore* lock) {
    return {SharedMemory::open(key), access, lock};
}

SharedVariables SharedVariables::create(const QueueKey& key, std::size_t size, mode_t mode,
                                        Semaphore* lock) {
    const auto held = hold(lock);
    return create_locked(key, size, mode, lock);
}

SharedVariables SharedVariables::open_or_create(const QueueKey& key, std::size_t size, mode_t mode,
                                                Semaphore* lock) {
    const auto held = hold(lock);
    // Each turn of the loop means that somebody made or removed the segment in between.
    for (int turns = 0;; ++turns) {
        try {
            return set_up_locked(key, lock);
        } catch (const IpcError& e) {
            if ((e.error() != ENOENT && e.error() != EIDRM) || turns == 1000) throw;
        }
        try {
            return create_locked(key, size, mode, lock);
        } catch (const IpcError& e) {
            if (e.error() != EEXIST && e.error() != EIDRM) throw;
        }
    }
}

SharedVariables::SharedVariables(SharedMemory memory, Access access, Semaphore* lock)
    : memory_(std::move(memory)),
      attached_(memory_.attach(access)),
      lock_(lock) {
    const auto held = hold(lock_);
    variable_layout::read_header(segment());
}

SharedVariables SharedVariables::create_locked(const QueueKey& key, std::size_t size, mode_t mode,
                                               Semaphore* lock) {
    if (size < variable_layout::header_size) {
        throw IpcError(IpcCall::shmget, EINVAL, "shared memory " + key.text(),
                       std::to_string(size) + " bytes are fewer than the 40 of PHP's header; use "
                                              "more, and 80 for a first variable");
    }
    const SharedMemory memory = SharedMemory::create(key, size, mode);
    try {
        AttachedMemory attached = memory.attach(Access::read_write);
        variable_layout::initialise(attached.writable_bytes(), memory.name());
        return {memory, std::move(attached), lock};
    } catch (const IpcError& e) {
        if (e.error() == EACCES) memory.remove();  // a mode that shuts its maker out
        throw;
    }
}

SharedVariables SharedVariables::set_up_locked(const QueueKey& key, Semaphore* lock) {
    const SharedMemory memory = SharedMemory::open(key);
    AttachedMemory attached = memory.attach(Access::read_write);
    // As the kernel made it: whoever made it is about to set it up, to just the same, or never
    // will.
    if (variable_layout::is_unfinished(attached.bytes())) {
        variable_layout::initialise(attached.writable_bytes(), memory.name());
    }
    variable_layout::read_header({attached.bytes(), memory.name()});
    return {memory, std::move(attached), lock};
}

bool SharedVariables::has(std::int64_t key) const {
    const auto held = hold(lock_);
    return variable_layout::find(segment(), key).has_value();
}

std::optional<std::vector<std::byte>> SharedVariables::value(std::int64_t key) const {
    const auto held = hold(lock_);
    const auto chunk = variable_layout::find(segment(), key);
    if (!chunk) return std::nullopt;
    std::vector<std::byte> bytes;
    variable_layout::copy_value(segment(), *chunk, bytes);
    return bytes;
}

PutStatus SharedVariables::put(std::int64_t key, std::span<const std::byte> value) {
    const std::span<std::byte> bytes = attached_.writable_bytes();
    const auto held = hold(lock_);
    return variable_layout::put(bytes, memory_.name(), key, value) ? PutStatus::stored
                                                                   : PutStatus::full;
}

bool SharedVariables::remove(std::int64_t key) {
    const std::span<std::byte> bytes = attached_.writable_bytes();
    const auto held = hold(lock_);
    return variable_layout::remove(bytes, memory_.name(), key);
}

void SharedVariables::each(const Visitor& visitor) const {
    const auto held = hold(lock_);
    variable_layout::Chunks chunks(segment());
    std::vector<std::byte> value;
    while (const auto chunk = chunks.next()) {
        variable_layout::copy_value(segment(), *chunk, value);
        visitor(chunk->key, value);
    }
}

std::size_t SharedVariables::room() const {
    const auto held = hold(lock_);
    const variable_layout::Header header = variable_layout::read_header(segment());
    return header.total - header.end;
}

}  // namespace myq
