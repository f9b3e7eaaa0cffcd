#pragma once

#include <errno.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace myq {

// The calls of the System V family, since one errno means different things in each. `semop` is
// semtimedop(2) too.
enum class IpcCall {
    msgget,
    msgsnd,
    msgrcv,
    msgctl,
    semget,
    semop,
    semctl,
    shmget,
    shmat,
    shmdt,
    shmctl
};

inline constexpr std::array ipc_calls{IpcCall::msgget, IpcCall::msgsnd, IpcCall::msgrcv,
                                      IpcCall::msgctl, IpcCall::semget, IpcCall::semop,
                                      IpcCall::semctl, IpcCall::shmget, IpcCall::shmat,
                                      IpcCall::shmdt,  IpcCall::shmctl};

std::string_view name(IpcCall call);

// What an errno of the call means and what to do about it, as "meaning; advice"; nullopt for a
// number that the manual pages do not list for it.
std::optional<std::string_view> meaning(IpcCall call, int error);

// The same; falls back to strerror(3).
std::string explain(IpcCall call, int error);

// Of a call whose arguments are otherwise valid: then EINVAL says that the id is not, or no longer,
// there.
inline int gone_or(int error) {
    return error == EINVAL ? EIDRM : error;
}

// A failed call on a queue, a semaphore or shared memory. what() is "call object: meaning; advice",
// code() holds the errno in std::generic_category.
class IpcError : public std::system_error {
public:
    // `object` names it as its user does, such as "queue 0x6d797101".
    IpcError(IpcCall call, int error, const std::string& object);

    // The same with a sentence of the caller's own where the errno alone says too little.
    IpcError(IpcCall call, int error, const std::string& object, const std::string& sentence);

    IpcCall call() const { return call_; }
    int error() const { return code().value(); }
    const char* what() const noexcept override { return text_.c_str(); }

private:
    IpcCall call_;
    std::string text_;
};

}  // namespace myq
