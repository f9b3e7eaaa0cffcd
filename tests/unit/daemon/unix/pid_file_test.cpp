#include "daemon/unix/pid_file.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

TEST_SUITE("pid_file") {

using namespace myq;
using namespace myq::test;

namespace {

// A daemon that has the pid file until it is killed.
class Daemon {
public:
    explicit Daemon(const RunDir& dir) {
        Lines lines;
        pid_ = fork_child([&] {
            umask(077);
            const PidFile file(dir / "lock", dir / "pid");
            lines.say("holds");
            pause();
            return 0;
        });
        lines.close_out();
        lines.wait_for("holds");
    }
    ~Daemon() { crash(); }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    pid_t pid() const { return pid_; }
    void crash() {
        if (pid_ <= 0) return;
        kill(pid_, SIGKILL);
        myq::test::wait_for(pid_);
        pid_ = -1;
    }

private:
    pid_t pid_;
};

std::string refusal(const RunDir& dir) {
    try {
        const PidFile file(dir / "lock", dir / "pid");
    } catch (const std::exception& e) {
        return e.what();
    }
    return "accepted";
}

mode_t mode_of(const std::filesystem::path& path) {
    struct stat st {};
    REQUIRE(stat(path.c_str(), &st) == 0);
    return st.st_mode & 07777;
}

}  // namespace

TEST_CASE(
    "pid file: it holds the daemon's number for everybody, and the lock is the daemon's own") {
    const RunDir dir;
    const Daemon daemon(dir);
    CHECK(read_file(dir / "pid") == std::to_string(daemon.pid()) + "\n");
    CHECK(mode_of(dir / "pid") == 0644);
    CHECK(mode_of(dir / "lock") == 0600);
}

TEST_CASE("pid file: a lock file that an earlier umask left open to others is closed") {
    const RunDir dir;
    write_file(dir / "lock", "");
    REQUIRE(chmod((dir / "lock").c_str(), 0644) == 0);
    const Daemon daemon(dir);
    CHECK(mode_of(dir / "lock") == 0600);
}

TEST_CASE("pid file: a second daemon is refused while the first lives") {
    const RunDir dir;
    Daemon first(dir);
    const std::string pid = std::to_string(first.pid());
    CHECK(refusal(dir) == "already running");
    CHECK(read_file(dir / "pid") == pid + "\n");
    first.crash();
    CHECK(refusal(dir) == "accepted");
}

TEST_CASE("pid file: what a crash leaves is cleared, or written over by a start") {
    const RunDir dir;
    write_file(dir / "pid", std::to_string(getpid()) + " and much more than a number\n");
    SUBCASE("a start") {
        const Daemon daemon(dir);
        CHECK(read_file(dir / "pid") == std::to_string(daemon.pid()) + "\n");
    }
    SUBCASE("a clearing") {
        clear_stale_pid_file(dir / "lock", dir / "pid");
        CHECK(read_file(dir / "pid").empty());
    }
}

TEST_CASE("pid file: a daemon that ended in order leaves nothing that looks like a crash") {
    const RunDir dir;
    REQUIRE(in_child([&] {
                const PidFile file(dir / "lock", dir / "pid");
                return 0;
            }) == 0);
    CHECK(read_file(dir / "pid").empty());
}

TEST_CASE("pid file: a running daemon's number is not cleared") {
    const RunDir dir;
    const Daemon daemon(dir);
    clear_stale_pid_file(dir / "lock", dir / "pid");
    CHECK(read_file(dir / "pid") == std::to_string(daemon.pid()) + "\n");
    CHECK(refusal(dir) == "already running");
}

TEST_CASE("pid file: none is nothing to clear") {
    const RunDir dir;
    CHECK_NOTHROW(clear_stale_pid_file(dir / "lock", dir / "pid"));
    CHECK(!std::filesystem::exists(dir / "pid"));
    CHECK(!std::filesystem::exists(dir / "lock"));
}

TEST_CASE("pid file: a lock that is not plainly ours is refused") {
    const RunDir dir;
    const std::filesystem::path path = dir / "lock";
    SUBCASE("a symbolic link") {
        write_file(dir / "victim", "precious");
        std::filesystem::create_symlink(dir / "victim", path);
        CHECK(refusal(dir).starts_with("cannot open the lock " + path.string()));
    }
    SUBCASE("writable by others") {
        write_file(path, "");
        REQUIRE(chmod(path.c_str(), 0666) == 0);
        CHECK(refusal(dir).starts_with(path.string() + " is not a plain file of root's or ours"));
    }
}

TEST_CASE("pid file: a file that is not plainly ours is refused and not touched") {
    const RunDir dir;
    const std::filesystem::path path = dir / "pid";
    const std::string foreign =
        path.string() +
        " is not a plain file of root's or ours; remove it: Operation not permitted";
    write_file(dir / "victim", "precious");
    SUBCASE("a symbolic link") {
        std::filesystem::create_symlink(dir / "victim", path);
        CHECK(refusal(dir).starts_with("cannot open the pid file " + path.string()));
    }
    SUBCASE("a second name of another file") {
        std::filesystem::create_hard_link(dir / "victim", path);
        CHECK(refusal(dir) == foreign);
    }
    SUBCASE("somebody else's") {
        write_file(path, "precious");
        REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
        CHECK(refusal(dir) == foreign);
        CHECK(read_file(path) == "precious");
    }
    SUBCASE("writable by others") {
        write_file(path, "precious");
        REQUIRE(chmod(path.c_str(), 0666) == 0);
        CHECK(refusal(dir) == foreign);
        CHECK(read_file(path) == "precious");
    }
    SUBCASE("a FIFO") {
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        CHECK(refusal(dir) == foreign);
    }
    CHECK(read_file(dir / "victim") == "precious");
}

}  // TEST_SUITE("pid_file")
