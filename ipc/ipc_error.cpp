#include "ipc/ipc_error.hpp"

#include <array>
#include <cerrno>

namespace myq {

namespace {

struct Meaning {
    IpcCall call;
    int error;
    std::string_view text;
};

// Every errno of the manual pages msgget(2), msgop(2), msgctl(2) and their like for sem and shm.
constexpr auto meanings = std::to_array<Meaning>({
    {IpcCall::msgget, EACCES,
     "the queue exists, but its mode does not grant what was asked for; see its owner and mode "
     "with ipcs -q"},
    {IpcCall::msgget, EEXIST,
     "a queue with this key exists already; look at it with ipcs -q, or choose another key"},
    {IpcCall::msgget, ENOENT,
     "there is no queue with this key; start the program that makes it, or make it with myq "
     "create"},
    {IpcCall::msgget, ENOMEM, "the kernel has no memory for another queue; free some"},
    {IpcCall::msgget, ENOSPC,
     "there are as many queues as kernel.msgmni allows; remove unused ones (ipcs -q, ipcrm -q ID) "
     "or raise the limit: sysctl -w kernel.msgmni=N"},

    {IpcCall::msgsnd, EACCES,
     "no permission to send; the queue's mode must grant write to this user or one of its groups, "
     "see ipcs -q"},
    {IpcCall::msgsnd, EAGAIN,
     "the queue is full; try again when something was taken from it, or raise its capacity "
     "(msg_qbytes)"},
    {IpcCall::msgsnd, EFAULT,
     "the message lies outside this process's memory; this is a bug in the caller"},
    {IpcCall::msgsnd, EIDRM, "the queue was removed; open it again once it was made anew"},
    {IpcCall::msgsnd, EINTR, "a signal came while waiting for room; nothing was sent, try again"},
    {IpcCall::msgsnd, EINVAL,
     "the queue was removed, the type is not positive, or the body is longer than kernel.msgmax; "
     "check the three"},
    {IpcCall::msgsnd, ENOMEM,
     "the kernel has no memory for a copy of the message; free some, and look at the memory limit "
     "of this process's control group"},

    {IpcCall::msgrcv, E2BIG,
     "the message is longer than the buffer and stays where it is; use a buffer of kernel.msgmax "
     "bytes, or have it cut (MSG_NOERROR)"},
    {IpcCall::msgrcv, EACCES,
     "no permission to receive; the queue's mode must grant read to this user or one of its "
     "groups, see ipcs -q"},
    {IpcCall::msgrcv, EFAULT,
     "the buffer lies outside this process's writable memory, and the message is lost; this is a "
     "bug in the caller"},
    {IpcCall::msgrcv, EIDRM, "the queue was removed; open it again once it was made anew"},
    {IpcCall::msgrcv, EINTR,
     "a signal came while waiting for a message; nothing was taken, try again"},
    {IpcCall::msgrcv, EINVAL,
     "the queue was removed, or the size of the buffer is negative; open "
     "the queue again once it was made anew"},
    {IpcCall::msgrcv, ENOMSG,
     "there is no message of the wanted type; try again later, or wait for one"},
    {IpcCall::msgrcv, ENOSYS,
     "this kernel cannot copy messages (MSG_COPY); it needs CONFIG_CHECKPOINT_RESTORE"},

    {IpcCall::msgctl, EACCES,
     "no permission to look at the queue; its mode must grant read to this user or one of its "
     "groups, see ipcs -q"},
    {IpcCall::msgctl, EFAULT,
     "the structure lies outside this process's memory; this is a bug in the caller"},
    {IpcCall::msgctl, EIDRM, "the queue was removed; open it again once it was made anew"},
    {IpcCall::msgctl, EINVAL,
     "there is no queue with this id, or a value is out of range; look "
     "for it with ipcs -q"},
    {IpcCall::msgctl, EPERM,
     "only the queue's owner, its creator and root may do this, and only CAP_SYS_RESOURCE may "
     "raise its capacity above kernel.msgmnb; see them with ipcs -q -c"},

    {IpcCall::semget, EACCES,
     "the semaphore exists, but its mode does not grant what was asked for; see its owner and mode "
     "with ipcs -s"},
    {IpcCall::semget, EEXIST,
     "a semaphore with this key exists already; look at it with ipcs -s, or choose another key"},
    {IpcCall::semget, EINVAL,
     "the set that exists has fewer members than asked for, or kernel.sem allows no set so large; "
     "look at it with ipcs -s, and choose another key if it is somebody else's"},
    {IpcCall::semget, ENOENT,
     "there is no semaphore with this key; start the program that makes it, or make it with myq "
     "sem create"},
    {IpcCall::semget, ENOMEM, "the kernel has no memory for another semaphore; free some"},
    {IpcCall::semget, ENOSPC,
     "there are as many sets, or as many semaphores in all of them, as kernel.sem allows; remove "
     "unused ones (ipcs -s, ipcrm -s ID) or raise the limit, the 4th or the 2nd of its numbers: "
     "sysctl -w kernel.sem='250 32000 32 N'"},

    {IpcCall::semop, E2BIG,
     "more operations at once than kernel.sem allows; raise its third number to at least 3"},
    {IpcCall::semop, EACCES,
     "no permission to change the semaphore; its mode must grant write to this user or one of its "
     "groups, see ipcs -s"},
    {IpcCall::semop, EAGAIN,
     "the semaphore is held by others, and the wait for it is over; try again later"},
    {IpcCall::semop, EFAULT,
     "the operations lie outside this process's memory; this is a bug in the caller"},
    {IpcCall::semop, EFBIG,
     "the set has fewer members than PHP's three; choose another key, this set is not a semaphore "
     "of PHP's kind"},
    {IpcCall::semop, EIDRM, "the semaphore was removed; open it again once it was made anew"},
    {IpcCall::semop, EINTR,
     "a signal came while waiting for the semaphore; nothing was acquired, try again"},
    {IpcCall::semop, EINVAL,
     "the semaphore was removed, or the time to wait is not valid; open it again once it was made "
     "anew"},
    {IpcCall::semop, ENOMEM,
     "the kernel has no memory to note what is to be undone when this process ends; free some, and "
     "look at the memory limit of this process's control group"},
    {IpcCall::semop, ERANGE,
     "the semaphore would exceed 32767; somebody released what was never acquired, remove it "
     "(ipcrm -s ID) and let it be made anew"},

    {IpcCall::semctl, EACCES,
     "no permission for this semaphore; its mode must grant read, and write to set it up, to this "
     "user or one of its groups, see ipcs -s"},
    {IpcCall::semctl, EFAULT,
     "the structure lies outside this process's memory; this is a bug in the caller"},
    {IpcCall::semctl, EIDRM, "the semaphore was removed; open it again once it was made anew"},
    {IpcCall::semctl, EINVAL,
     "there is no set with this id, or it has no such member; look for it with ipcs -s"},
    {IpcCall::semctl, ENOMEM, "the kernel has no memory for a copy of the values; free some"},
    {IpcCall::semctl, EPERM,
     "only the semaphore's owner, its creator and root may do this; see them with ipcs -s -c"},
    {IpcCall::semctl, ERANGE, "a semaphore counts from 0 to 32767; use a value between the two"},

    {IpcCall::shmget, EACCES,
     "the shared memory exists, but its mode does not grant what was asked for; see its owner and "
     "mode with ipcs -m"},
    {IpcCall::shmget, EEXIST,
     "shared memory with this key exists already; look at it with ipcs -m, or choose another key"},
    {IpcCall::shmget, EINVAL,
     "the size is 0 or above kernel.shmmax, or larger than the shared memory that exists; choose "
     "another size, or another key"},
    {IpcCall::shmget, ENFILE,
     "the system has as many open files as fs.file-max allows; close some, or raise the limit"},
    {IpcCall::shmget, ENOENT,
     "there is no shared memory with this key; start the program that makes it, or make it with "
     "myq shm create"},
    {IpcCall::shmget, ENOMEM, "the kernel has no memory for so large a segment; free some"},
    {IpcCall::shmget, ENOSPC,
     "there are as many segments as kernel.shmmni allows, or as many pages in them as "
     "kernel.shmall; remove unused ones (ipcs -m, ipcrm -m ID) or raise the limits with sysctl -w"},
    {IpcCall::shmget, EPERM,
     "huge pages are for the group vm.hugetlb_shm_group and CAP_IPC_LOCK; ask for ordinary ones"},

    {IpcCall::shmat, EACCES,
     "no permission to attach; the mode must grant read, and write unless it is for reading only, "
     "to this user or one of its groups, see ipcs -m"},
    {IpcCall::shmat, EIDRM, "the shared memory was removed; open it again once it was made anew"},
    {IpcCall::shmat, EINVAL,
     "there is no shared memory with this id (any more); look for it with ipcs -m"},
    {IpcCall::shmat, ENOMEM,
     "there is no room for it in this process; see the limit on address space, ulimit -v"},

    {IpcCall::shmdt, EINVAL,
     "no shared memory is attached at this address; this is a bug in the caller"},

    {IpcCall::shmctl, EACCES,
     "no permission to look at the shared memory; its mode must grant read to this user or one of "
     "its groups, see ipcs -m"},
    {IpcCall::shmctl, EFAULT,
     "the structure lies outside this process's memory; this is a bug in the caller"},
    {IpcCall::shmctl, EIDRM, "the shared memory was removed; open it again once it was made anew"},
    {IpcCall::shmctl, EINVAL,
     "there is no shared memory with this id, or a value is out of range; look for it with ipcs "
     "-m"},
    {IpcCall::shmctl, ENOMEM,
     "locking so much memory exceeds RLIMIT_MEMLOCK; raise it, see ulimit -l"},
    {IpcCall::shmctl, EOVERFLOW,
     "an id, a user or a group is too large for this structure; use a 64-bit program"},
    {IpcCall::shmctl, EPERM,
     "only its owner, its creator and root may do this; see them with ipcs -m -c"},
});

// The order is the enum's.
constexpr auto names =
    std::to_array<std::string_view>({"msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop",
                                     "semctl", "shmget", "shmat", "shmdt", "shmctl"});
static_assert(names.size() == static_cast<std::size_t>(IpcCall::shmctl) + 1);

}  // namespace

std::string_view name(IpcCall call) {
    return names.at(static_cast<std::size_t>(call));
}

std::optional<std::string_view> meaning(IpcCall call, int error) {
    for (const Meaning& known : meanings) {
        if (known.call == call && known.error == error) return known.text;
    }
    return std::nullopt;
}

std::string explain(IpcCall call, int error) {
    const auto known = meaning(call, error);
    return known ? std::string(*known) : std::generic_category().message(error);
}

IpcError::IpcError(IpcCall call, int error, const std::string& object)
    : IpcError(call, error, object, explain(call, error)) {}

IpcError::IpcError(IpcCall call, int error, const std::string& object, const std::string& sentence)
    : std::system_error(error, std::generic_category()),
      call_(call),
      text_(std::string(name(call)) + " " + object + ": " + sentence) {}

}  // namespace myq
