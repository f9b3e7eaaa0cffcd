#include "ipc/semaphore_set.hpp"

#include "ipc/kernel_limits.hpp"

#include <sys/sem.h>

#include <cerrno>

namespace myq {

namespace {

// semctl's fourth argument, which semctl(2) leaves to the caller to define.
union SetArgument {
    int value;
    semid_ds* set;
    unsigned short* values;
    seminfo* info;
};

std::string semaphore_object(const QueueKey& key) {
    return key.is_private() ? "private semaphore" : "semaphore " + key.text();
}

SemaphoreSetStat to_stat(int id, const semid_ds& ds) {
    SemaphoreSetStat stat;
    stat.id = id;
    stat.key = ds.sem_perm.__key;
    stat.uid = ds.sem_perm.uid;
    stat.gid = ds.sem_perm.gid;
    stat.creator_uid = ds.sem_perm.cuid;
    stat.creator_gid = ds.sem_perm.cgid;
    stat.mode = ds.sem_perm.mode & 0777U;
    stat.members = ds.sem_nsems;
    stat.operation_time = ds.sem_otime;
    stat.change_time = ds.sem_ctime;
    return stat;
}

// Returns the highest index in use, which is no number of sets; 0 also when there is none.
int look_at_all(seminfo& info) {
    const SetArgument argument{.info = &info};
    const int last = semctl(0, 0, SEM_INFO, argument);
    if (last < 0) throw IpcError(IpcCall::semctl, errno, "list of semaphores");
    return last;
}

}  // namespace

SemaphoreLimits semaphore_limits() {
    seminfo info{};
    look_at_all(info);
    const auto number = [](int value) { return static_cast<std::uint64_t>(value); };
    // For SEM_INFO these two fields count what is in use: semctl(2).
    return {.members = number(info.semmsl),
            .semaphores = number(info.semmns),
            .operations = number(info.semopm),
            .sets = number(info.semmni),
            .semaphores_used = number(info.semaem),
            .sets_used = number(info.semusz)};
}

SemaphoreSet SemaphoreSet::open(const QueueKey& key) {
    // semget(IPC_PRIVATE) would make a set, whatever the flags.
    if (key.is_private()) {
        throw IpcError(IpcCall::semget, ENOENT, semaphore_object(key),
                       "a private semaphore has no key to be found by; use its id");
    }
    const int id = semget(key.value(), members, 0);
    if (id >= 0) return {id, semaphore_object(key)};
    const int error = errno;
    if (error != EINVAL) throw IpcError(IpcCall::semget, error, semaphore_object(key));
    throw IpcError(IpcCall::semget, EINVAL, semaphore_object(key),
                   "the set with this key has fewer members than PHP's three, so it is somebody "
                   "else's; choose another key, or look at it with ipcs -s");
}

SemaphoreSet SemaphoreSet::create(const QueueKey& key, mode_t mode) {
    const int id =
        semget(key.value(), members, IPC_CREAT | IPC_EXCL | static_cast<int>(mode & 0777U));
    if (id < 0) throw IpcError(IpcCall::semget, errno, semaphore_object(key));
    return {id,
            key.is_private() ? "private semaphore " + std::to_string(id) : semaphore_object(key)};
}

SemaphoreSet SemaphoreSet::from_id(int id, std::string name) {
    if (name.empty()) name = "semaphore with id " + std::to_string(id);
    return {id, std::move(name)};
}

bool SemaphoreSet::exists(const QueueKey& key) {
    return !key.is_private() && (semget(key.value(), 0, 0) >= 0 || errno != ENOENT);
}

std::vector<SemaphoreSetStat> SemaphoreSet::list() {
    seminfo info{};
    const int last = look_at_all(info);
    std::vector<SemaphoreSetStat> sets;
    for (int index = 0; index <= last; ++index) {
        semid_ds ds{};
        const SetArgument argument{.set = &ds};
        const int id = semctl(index, 0, SEM_STAT_ANY, argument);
        if (id >= 0) sets.push_back(to_stat(id, ds));
        // An unused place, or one that was freed a moment ago.
        else if (errno != EINVAL && errno != EIDRM) {
            throw IpcError(IpcCall::semctl, errno, "list of semaphores");
        }
    }
    return sets;
}

// SEM_STAT_ANY takes an index; the kernel finds it in an id by dropping the sequence number, so an
// id may be given as well, and the returned one tells whether it is still the same set.
SemaphoreSetStat SemaphoreSet::stat() const {
    semid_ds ds{};
    const SetArgument argument{.set = &ds};
    const int found = semctl(id_, 0, SEM_STAT_ANY, argument);
    if (found < 0) throw IpcError(IpcCall::semctl, gone_or(errno), name_);
    if (found != id_) throw IpcError(IpcCall::semctl, EIDRM, name_);
    return to_stat(id_, ds);
}

SemaphoreValues SemaphoreSet::values() const {
    const std::size_t count = stat().members;
    if (count < members) {
        throw IpcError(IpcCall::semctl, EINVAL, name_,
                       "the set has " + std::to_string(count) +
                           " members and PHP's have three, so it is somebody else's; look at it "
                           "with ipcs -s -i " +
                           std::to_string(id_));
    }
    // All at one moment. The number of members of an id never changes.
    std::vector<unsigned short> all(count);
    const SetArgument argument{.values = all.data()};
    if (semctl(id_, 0, GETALL, argument) < 0) {
        throw IpcError(IpcCall::semctl, gone_or(errno), name_);
    }
    const int waiting = semctl(id_, permits, GETNCNT);
    const int pid = semctl(id_, permits, GETPID);
    if (waiting < 0 || pid < 0) throw IpcError(IpcCall::semctl, gone_or(errno), name_);
    return {all[permits], all[users], all[set_up], waiting, pid};
}

void SemaphoreSet::set(const OwnershipSettings& settings) const {
    check(settings, IpcCall::semctl, name_);
    // IPC_SET writes all three fields, and SEM_STAT_ANY needs no permission to read them.
    const SemaphoreSetStat is = stat();
    semid_ds ds{};
    ds.sem_perm.uid = settings.uid.value_or(is.uid);
    ds.sem_perm.gid = settings.gid.value_or(is.gid);
    ds.sem_perm.mode = static_cast<decltype(ds.sem_perm.mode)>(settings.mode.value_or(is.mode));
    const SetArgument argument{.set = &ds};
    if (semctl(id_, 0, IPC_SET, argument) == 0) return;
    throw IpcError(IpcCall::semctl, gone_or(errno), name_);
}

void SemaphoreSet::remove() const {
    if (semctl(id_, 0, IPC_RMID) == 0) return;
    throw IpcError(IpcCall::semctl, gone_or(errno), name_);
}

}  // namespace myq
