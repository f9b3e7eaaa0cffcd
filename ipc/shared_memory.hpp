#pragma once

#include "ipc/ownership.hpp"
#include "ipc/queue_key.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace myq {

// A segment as shmctl(SHM_STAT_ANY) shows it; times are seconds since the epoch, 0 for never.
struct SharedMemoryStat {
    int id = -1;
    key_t key = 0;  // 0 once it was removed
    uid_t uid = 0, creator_uid = 0;
    gid_t gid = 0, creator_gid = 0;
    mode_t mode = 0;         // the nine permission bits
    bool removed = false;    // and still there, because somebody has it attached
    std::uint64_t size = 0;  // bytes; fixed when it was made
    std::uint64_t attached = 0;
    pid_t creator_pid = 0, last_pid = 0;  // the last to attach or detach
    std::time_t attach_time = 0, detach_time = 0, change_time = 0;
};

enum class Access : bool { read_only, read_write };

// A segment as this process sees it, until the end of this object. Other processes may change every
// byte at every moment: what must stay as it was checked is copied first. Never shrinks, and stays
// when the segment is removed. A child after fork() has it too.
class AttachedMemory {
public:
    ~AttachedMemory();
    AttachedMemory(AttachedMemory&& other) noexcept
        : bytes_(std::exchange(other.bytes_, {})),
          access_(other.access_) {}
    AttachedMemory& operator=(AttachedMemory&& other) noexcept;
    AttachedMemory(const AttachedMemory&) = delete;
    AttachedMemory& operator=(const AttachedMemory&) = delete;

    // As many bytes as the segment has, not its last page.
    std::span<const std::byte> bytes() const { return bytes_; }
    std::span<std::byte> writable_bytes() const;  // std::logic_error when attached for reading only
    std::size_t size() const { return bytes_.size(); }
    Access access() const { return access_; }

private:
    friend class SharedMemory;
    AttachedMemory(std::span<std::byte> bytes, Access access) : bytes_(bytes), access_(access) {}

    std::span<std::byte> bytes_;
    Access access_;
};

// One segment of System V shared memory, by its id.
//
// A name, not an owner, like MessageQueue: the segment outlives every process. What attach()
// returns is owned. Every function may throw IpcError.
class SharedMemory {
public:
    // The existing segment with this key. Asks for no permission (shmget flags 0); what is not
    // permitted shows at the first use.
    static SharedMemory open(const QueueKey& key);

    // A new segment of `size` bytes, all of them 0; fails with EEXIST when the key is taken.
    static SharedMemory create(const QueueKey& key, std::size_t size, mode_t mode);

    // By the id that shmget(2) returned to somebody; `name` is what error sentences call it.
    static SharedMemory from_id(int id, std::string name = {});

    static bool exists(const QueueKey& key);

    // Every segment of this IPC namespace, by id. Needs no permission and no /proc.
    static std::vector<SharedMemoryStat> list();

    int id() const { return id_; }
    const std::string& name() const { return name_; }  // "shared memory 0x6d797101"

    AttachedMemory attach(Access access) const;  // needs read permission, or read and write

    SharedMemoryStat stat() const;                      // needs no permission
    void set(const OwnershipSettings& settings) const;  // needs to be owner or creator

    // Frees the key at once, and the memory when nobody has it attached any more. Needs to be owner
    // or creator.
    void remove() const;

private:
    SharedMemory(int id, std::string name) : id_(id), name_(std::move(name)) {}

    int id_;
    std::string name_;
};

}  // namespace myq
