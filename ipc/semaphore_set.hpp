#pragma once

#include "ipc/ownership.hpp"
#include "ipc/queue_key.hpp"

#include <sys/types.h>

#include <cstddef>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace myq {

// A set as semctl(SEM_STAT_ANY) shows it; times are seconds since the epoch, 0 for never.
struct SemaphoreSetStat {
    int id = -1;
    key_t key = 0;
    uid_t uid = 0, creator_uid = 0;
    gid_t gid = 0, creator_gid = 0;
    mode_t mode = 0;          // the nine permission bits
    std::size_t members = 0;  // PHP's sets have three
    std::time_t operation_time = 0, change_time = 0;
};

// What is in a set of PHP's kind. Values and waiters are read one after the other, so they may be
// of two moments.
struct SemaphoreValues {
    int free = 0;        // permits that nobody holds; 0 makes the next one wait
    int users = 0;       // live Semaphore objects, ours and PHP's
    int setting_up = 0;  // 1 while somebody sets it up
    int waiting = 0;     // processes that wait for a permit
    pid_t last_pid = 0;  // who acquired or released last: at no free permit, the last holder
};

// One set of System V semaphores, by its id.
//
// A name, not an owner, like MessageQueue: looking at a set, or removing it, makes nobody its user.
// To acquire from it takes a Semaphore. Every function may throw IpcError.
class SemaphoreSet {
public:
    // PHP's sets: the permits, the users, and the lock under which the first user sets the permits.
    enum Member : unsigned short { permits, users, set_up };
    static constexpr int members = 3;

    // The existing set with this key, of three members or more. Asks for no permission (semget
    // flags 0); what is not permitted shows at the first use.
    static SemaphoreSet open(const QueueKey& key);

    // A new set of three, all 0: of no use to anybody before a Semaphore has set it up. Fails with
    // EEXIST when the key is taken. Whatever the umask, `mode` is the mode.
    static SemaphoreSet create(const QueueKey& key, mode_t mode);

    // By the id that semget(2) returned to somebody; `name` is what error sentences call it.
    static SemaphoreSet from_id(int id, std::string name = {});

    static bool exists(const QueueKey& key);

    // Every set of this IPC namespace, PHP's and others', by id. Needs no permission and no /proc.
    static std::vector<SemaphoreSetStat> list();

    int id() const { return id_; }
    const std::string& name() const { return name_; }  // "semaphore 0x6d797101"

    SemaphoreSetStat stat() const;   // needs no permission
    SemaphoreValues values() const;  // needs read permission and a set of three members or more

    void set(const OwnershipSettings& settings) const;  // needs to be owner or creator

    // Needs to be owner or creator. Who waits for it is woken with EIDRM.
    void remove() const;

private:
    SemaphoreSet(int id, std::string name) : id_(id), name_(std::move(name)) {}

    int id_;
    std::string name_;
};

}  // namespace myq
