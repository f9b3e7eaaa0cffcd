#include "ipc/ipc_error.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <map>
#include <string>
#include <vector>

TEST_SUITE("ipc_error") {

using namespace myq;

TEST_CASE("Every errno of every call has a meaning and an advice") {
    const std::map<IpcCall, std::vector<int>> documented = {
        {IpcCall::msgget, {EACCES, EEXIST, ENOENT, ENOMEM, ENOSPC}},
        {IpcCall::msgsnd, {EACCES, EAGAIN, EFAULT, EIDRM, EINTR, EINVAL, ENOMEM}},
        {IpcCall::msgrcv, {E2BIG, EACCES, EFAULT, EIDRM, EINTR, EINVAL, ENOMSG, ENOSYS}},
        {IpcCall::msgctl, {EACCES, EFAULT, EIDRM, EINVAL, EPERM}},
        {IpcCall::semget, {EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC}},
        {IpcCall::semop,
         {E2BIG, EACCES, EAGAIN, EFAULT, EFBIG, EIDRM, EINTR, EINVAL, ENOMEM, ERANGE}},
        {IpcCall::semctl, {EACCES, EFAULT, EIDRM, EINVAL, ENOMEM, EPERM, ERANGE}},
        {IpcCall::shmget, {EACCES, EEXIST, EINVAL, ENFILE, ENOENT, ENOMEM, ENOSPC, EPERM}},
        {IpcCall::shmat, {EACCES, EIDRM, EINVAL, ENOMEM}},
        {IpcCall::shmdt, {EINVAL}},
        {IpcCall::shmctl, {EACCES, EFAULT, EIDRM, EINVAL, ENOMEM, EOVERFLOW, EPERM}},
    };
    CHECK(name(IpcCall::msgget) == "msgget");
    CHECK(name(IpcCall::semop) == "semop");
    CHECK(name(IpcCall::shmctl) == "shmctl");
    for (const auto& [call, errors] : documented) {
        for (const int error : errors) {
            CAPTURE(name(call));
            CAPTURE(error);
            const std::string text = explain(call, error);
            CHECK(text != std::generic_category().message(error));
            const std::size_t semicolon = text.find("; ");
            CHECK(semicolon != std::string::npos);
            CHECK(text.find('\n') == std::string::npos);
        }
    }
}

TEST_CASE("One errno means different things in different calls") {
    CHECK(explain(IpcCall::msgget, EACCES) != explain(IpcCall::msgsnd, EACCES));
    CHECK(explain(IpcCall::msgsnd, EACCES) != explain(IpcCall::msgrcv, EACCES));
    CHECK(explain(IpcCall::msgget, ENOSPC).find("kernel.msgmni") != std::string::npos);
}

TEST_CASE("An errno that no manual page lists falls back to the C library's text") {
    CHECK(explain(IpcCall::msgsnd, EXDEV) == "Invalid cross-device link");
}

TEST_CASE("An error names the call and the queue and keeps the errno") {
    const IpcError error(IpcCall::msgget, ENOENT, "queue 0x0000001a");
    CHECK(std::string(error.what()) == "msgget queue 0x0000001a: there is no queue with this key; "
                                       "start the program that makes it, or make it with myq "
                                       "create");
    CHECK((error.code() == std::errc::no_such_file_or_directory));
    CHECK(error.error() == ENOENT);
    CHECK(error.call() == IpcCall::msgget);

    const IpcError own(IpcCall::msgctl, EPERM, "queue 5", "not yours; ask root");
    CHECK(std::string(own.what()) == "msgctl queue 5: not yours; ask root");
}

}  // TEST_SUITE("ipc_error")
