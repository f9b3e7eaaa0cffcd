#include "daemon/unix/file_lock.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

TEST_SUITE("file_lock") {

using namespace myq;
using namespace myq::test;

namespace {

Fd open_file(const RunDir& dir, int flags = O_RDWR) {
    return Fd{::open((dir / "file").c_str(), flags | O_CREAT | O_CLOEXEC, 0600)};
}

}  // namespace

TEST_CASE("file lock: one process has it until it ends") {
    const RunDir dir;
    const Fd file = open_file(dir);
    Lines lines;
    const pid_t holder = fork_child([&] {
        lines.say(try_lock(file) ? "locked" : "refused");
        pause();
        return 0;
    });
    CHECK(lines.wait_for("ed") == "locked");
    CHECK(!try_lock(file));
    kill(holder, SIGKILL);
    myq::test::wait_for(holder);
    CHECK(try_lock(file));
}

TEST_CASE("file lock: its holder may take it again, and hands it on to no child") {
    const RunDir dir;
    const Fd file = open_file(dir);
    REQUIRE(try_lock(file));
    CHECK(try_lock(file));
    CHECK(in_child([&] { return try_lock(file) ? 1 : 0; }) == 0);
}

TEST_CASE("file lock: a file that cannot be locked is an error, not a refusal") {
    const RunDir dir;
    open_file(dir);
    const Fd read_only = open_file(dir, O_RDONLY);
    CHECK_THROWS_AS(try_lock(read_only), std::system_error);
}

}  // TEST_SUITE("file_lock")
