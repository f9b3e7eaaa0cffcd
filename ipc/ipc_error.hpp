#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace myq {

// The calls of the message queue family, since one errno means different things in each.
enum class IpcCall { msgget, msgsnd, msgrcv, msgctl };

std::string_view name(IpcCall call);

// What an errno of msgget(2), msgop(2) or msgctl(2) means for this call and what to do about it, as
// "meaning; advice". Falls back to strerror(3) for a number that the manual pages do not list.
std::string explain(IpcCall call, int error);

// A failed call on a queue. what() is "call object: meaning; advice", code() holds the errno in
// std::generic_category.
class IpcError : public std::system_error {
public:
    // `object` names the queue as its user does, such as "queue 0x6d797101".
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
