#include "ipc/shared_memory.hpp"

#include "ipc/huge_pages.hpp"
#include "ipc/kernel_limits.hpp"

#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace myq {

namespace {

std::string segment_object(const QueueKey& key) {
    return key.is_private() ? "private shared memory" : "shared memory " + key.text();
}

SharedMemoryStat to_stat(int id, const shmid_ds& ds) {
    SharedMemoryStat stat;
    stat.id = id;
    stat.key = ds.shm_perm.__key;
    stat.uid = ds.shm_perm.uid;
    stat.gid = ds.shm_perm.gid;
    stat.creator_uid = ds.shm_perm.cuid;
    stat.creator_gid = ds.shm_perm.cgid;
    stat.mode = ds.shm_perm.mode & 0777U;
    stat.removed = (ds.shm_perm.mode & SHM_DEST) != 0;
    stat.size = ds.shm_segsz;
    stat.attached = ds.shm_nattch;
    stat.creator_pid = ds.shm_cpid;
    stat.last_pid = ds.shm_lpid;
    stat.attach_time = ds.shm_atime;
    stat.detach_time = ds.shm_dtime;
    stat.change_time = ds.shm_ctime;
    return stat;
}

// SHM_STAT_ANY takes an index; the kernel finds it in an id by dropping the sequence number, so an
// id may be given as well, and the returned one tells whether it is still the same segment.
shmid_ds look_at_segment(int id, const std::string& name) {
    shmid_ds ds{};
    const int found = shmctl(id, SHM_STAT_ANY, &ds);
    if (found < 0) throw IpcError(IpcCall::shmctl, gone_or(errno), name);
    if (found != id) throw IpcError(IpcCall::shmctl, EIDRM, name);
    return ds;
}

// Where huge pages can be mapped as such, if it has any. nullptr and errno if it fails.
void* attach_anywhere(int id, int flags) {
    shmid_ds ds{};
    const bool is_there = shmctl(id, SHM_STAT_ANY, &ds) == id;
    if (void* const reserved = is_there ? reserve_for_huge_pages(ds.shm_segsz) : nullptr) {
        void* const at = shmat(id, reserved, flags | SHM_REMAP);
        if (at == reserved) return at;
        munmap(reserved, ds.shm_segsz);
    }
    void* const at = shmat(id, nullptr, flags);
    return reinterpret_cast<std::intptr_t>(at) == -1 ? nullptr : at;
}

// Returns the highest index in use, which is no number of segments; 0 also when there is none.
int look_at_all(shm_info& info) {
    // glibc declares one type for every command; for SHM_INFO the kernel fills a shm_info.
    const int last = shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&info));
    if (last < 0) throw IpcError(IpcCall::shmctl, errno, "list of shared memory");
    return last;
}

// Sends EINVAL apart into its causes.
IpcError create_error(int error, const QueueKey& key, std::size_t size) {
    if (error != EINVAL) return {IpcCall::shmget, error, segment_object(key)};
    if (size == 0) {
        return {IpcCall::shmget, EINVAL, segment_object(key), "a size of 0 bytes; use at least 1"};
    }
    const std::uint64_t limit = shared_memory_limits().largest_segment;
    return {IpcCall::shmget, EINVAL, segment_object(key),
            std::to_string(size) + " bytes are more than kernel.shmmax, " + std::to_string(limit) +
                "; use less, or raise it: sysctl -w kernel.shmmax=" + std::to_string(size)};
}

}  // namespace

SharedMemoryLimits shared_memory_limits() {
    shminfo limits{};
    if (shmctl(0, IPC_INFO, reinterpret_cast<shmid_ds*>(&limits)) < 0) {
        throw IpcError(IpcCall::shmctl, errno, "limits");
    }
    shm_info in_use{};
    look_at_all(in_use);
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const std::uint64_t most = UINT64_MAX / page;  // shmall is by default beyond any memory
    return {.largest_segment = limits.shmmax,
            .all_segments = limits.shmall > most ? UINT64_MAX : limits.shmall * page,
            .segments = limits.shmmni,
            .bytes_used = in_use.shm_tot * page,
            .segments_used = static_cast<std::uint64_t>(in_use.used_ids)};
}

AttachedMemory::~AttachedMemory() {
    if (bytes_.data() != nullptr) shmdt(bytes_.data());
}

AttachedMemory& AttachedMemory::operator=(AttachedMemory&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(access_, other.access_);
    return *this;
}

std::span<std::byte> AttachedMemory::writable_bytes() const {
    if (access_ == Access::read_write) return bytes_;
    throw std::logic_error("shared memory: attached for reading only; attach it for writing");
}

SharedMemory SharedMemory::open(const QueueKey& key) {
    // shmget(IPC_PRIVATE) would make a segment, whatever the flags.
    if (key.is_private()) {
        throw IpcError(IpcCall::shmget, ENOENT, segment_object(key),
                       "private shared memory has no key to be found by; use its id");
    }
    const int id = shmget(key.value(), 0, 0);
    if (id < 0) throw IpcError(IpcCall::shmget, errno, segment_object(key));
    return {id, segment_object(key)};
}

SharedMemory SharedMemory::create(const QueueKey& key, std::size_t size, mode_t mode) {
    const int id = shmget(key.value(), size, IPC_CREAT | IPC_EXCL | static_cast<int>(mode & 0777U));
    if (id < 0) throw create_error(errno, key, size);
    return {id,
            key.is_private() ? "private shared memory " + std::to_string(id) : segment_object(key)};
}

SharedMemory SharedMemory::from_id(int id, std::string name) {
    if (name.empty()) name = "shared memory with id " + std::to_string(id);
    return {id, std::move(name)};
}

bool SharedMemory::exists(const QueueKey& key) {
    return !key.is_private() && (shmget(key.value(), 0, 0) >= 0 || errno != ENOENT);
}

std::vector<SharedMemoryStat> SharedMemory::list() {
    shm_info info{};
    const int last = look_at_all(info);
    std::vector<SharedMemoryStat> segments;
    for (int index = 0; index <= last; ++index) {
        shmid_ds ds{};
        const int id = shmctl(index, SHM_STAT_ANY, &ds);
        if (id >= 0) segments.push_back(to_stat(id, ds));
        // An unused place, or one that was freed a moment ago.
        else if (errno != EINVAL && errno != EIDRM) {
            throw IpcError(IpcCall::shmctl, errno, "list of shared memory");
        }
    }
    return segments;
}

AttachedMemory SharedMemory::attach(Access access) const {
    void* const at = attach_anywhere(id_, access == Access::read_only ? SHM_RDONLY : 0);
    if (at == nullptr) throw IpcError(IpcCall::shmat, gone_or(errno), name_);
    // While it is attached, the id is nobody else's.
    AttachedMemory attached({static_cast<std::byte*>(at), 0}, access);
    attached.bytes_ = {static_cast<std::byte*>(at), look_at_segment(id_, name_).shm_segsz};
    return attached;
}

SharedMemoryStat SharedMemory::stat() const {
    return to_stat(id_, look_at_segment(id_, name_));
}

void SharedMemory::set(const OwnershipSettings& settings) const {
    check(settings, IpcCall::shmctl, name_);
    // IPC_SET writes all three fields. IPC_STAT would need read permission, without which an owner
    // could not repair a mode that shuts him out.
    shmid_ds ds = look_at_segment(id_, name_);
    if (settings.uid) ds.shm_perm.uid = *settings.uid;
    if (settings.gid) ds.shm_perm.gid = *settings.gid;
    if (settings.mode) ds.shm_perm.mode = static_cast<decltype(ds.shm_perm.mode)>(*settings.mode);
    if (shmctl(id_, IPC_SET, &ds) == 0) return;
    throw IpcError(IpcCall::shmctl, gone_or(errno), name_);
}

void SharedMemory::remove() const {
    if (shmctl(id_, IPC_RMID, nullptr) == 0) return;
    throw IpcError(IpcCall::shmctl, gone_or(errno), name_);
}

}  // namespace myq
