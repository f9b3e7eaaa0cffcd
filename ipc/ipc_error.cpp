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

// Every errno of msgget(2), msgop(2) and msgctl(2).
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
});

}  // namespace

std::string_view name(IpcCall call) {
    switch (call) {
    case IpcCall::msgget:
        return "msgget";
    case IpcCall::msgsnd:
        return "msgsnd";
    case IpcCall::msgrcv:
        return "msgrcv";
    case IpcCall::msgctl:
        return "msgctl";
    }
    return "";  // not reached: the enum has four values
}

std::string explain(IpcCall call, int error) {
    for (const Meaning& meaning : meanings) {
        if (meaning.call == call && meaning.error == error) return std::string(meaning.text);
    }
    return std::generic_category().message(error);
}

IpcError::IpcError(IpcCall call, int error, const std::string& object)
    : IpcError(call, error, object, explain(call, error)) {}

IpcError::IpcError(IpcCall call, int error, const std::string& object, const std::string& sentence)
    : std::system_error(error, std::generic_category()),
      call_(call),
      text_(std::string(name(call)) + " " + object + ": " + sentence) {}

}  // namespace myq
