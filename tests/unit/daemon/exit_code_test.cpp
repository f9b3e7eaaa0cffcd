#include "config/config.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/plugin_image.hpp"
#include "daemon/unix/pid_file.hpp"
#include "ipc/ipc_error.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

TEST_SUITE("exit_code") {

using namespace myq;

namespace {

std::system_error system_failure(int error) {
    return {error, std::generic_category(), "call"};
}

}  // namespace

TEST_CASE("each kind of failure has the exit code that sysexits gives it") {
    CHECK(exit_code(ConfigError("x")) == 78);
    CHECK(exit_code(PluginError("x")) == 78);
    CHECK(exit_code(std::invalid_argument("there is no user 'x'")) == 78);
    CHECK(exit_code(AlreadyRunning("x")) == 1);
    CHECK(exit_code(std::logic_error("x")) == 70);
    CHECK(exit_code(std::runtime_error("x")) == 70);
    CHECK(exit_code(std::bad_alloc()) == 70);
}

TEST_CASE("a system call's failure has the exit code of its errno") {
    struct Row {
        int error, code;
    };
    for (const Row& row : {Row{EACCES, 77}, Row{EPERM, 77}, Row{EROFS, 73}, Row{ENOSPC, 73},
                           Row{ENOENT, 73}, Row{EIO, 71}, Row{ENOMEM, 71}, Row{EMFILE, 71}}) {
        CAPTURE(row.error);
        CHECK(exit_code(system_failure(row.error)) == row.code);
    }
}

TEST_CASE("a queue's failure has its own") {
    CHECK(exit_code(IpcError(IpcCall::msgget, EPERM, "queue 0x1")) == 78);  // a stranger's key
    CHECK(exit_code(IpcError(IpcCall::msgctl, EPERM, "queue 0x1")) == 77);
    CHECK(exit_code(IpcError(IpcCall::msgget, EACCES, "queue 0x1")) == 77);
    CHECK(exit_code(IpcError(IpcCall::msgget, ENOSPC, "queue 0x1")) == 73);
    CHECK(exit_code(IpcError(IpcCall::msgrcv, EIDRM, "queue 0x1")) == 71);
}

}  // TEST_SUITE("exit_code")
