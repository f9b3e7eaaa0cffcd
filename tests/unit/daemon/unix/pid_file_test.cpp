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
    explicit Daemon(const std::filesystem::path& path) {
        Lines lines;
        pid_ = fork_child([&] {
            umask(077);
            const PidFile file(path);
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

std::string refusal(const std::filesystem::path& path) {
    try {
        const PidFile file(path);
    } catch (const std::exception& e) {
        return e.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("pid file: it holds the daemon's number, and everybody may read it") {
    const RunDir dir;
    const Daemon daemon(dir / "pid");
    CHECK(read_file(dir / "pid") == std::to_string(daemon.pid()) + "\n");
    struct stat st {};
    REQUIRE(stat((dir / "pid").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0644);
    CHECK(read_pid_file(dir / "pid").holder == daemon.pid());
    CHECK(!read_pid_file(dir / "pid").stale);
}

TEST_CASE("pid file: a second daemon is refused while the first lives") {
    const RunDir dir;
    Daemon first(dir / "pid");
    const std::string pid = std::to_string(first.pid());
    CHECK(refusal(dir / "pid") == "already running (pid " + pid + ")");
    CHECK(read_file(dir / "pid") == pid + "\n");
    first.crash();
    CHECK(refusal(dir / "pid") == "accepted");
}

TEST_CASE("pid file: what a crash leaves is stale, and a start or a clearing ends that") {
    const RunDir dir;
    write_file(dir / "pid", std::to_string(getpid()) + " and much more than a number\n");
    PidFileState state = read_pid_file(dir / "pid");
    CHECK(!state.holder);  // whoever has the number now is a stranger
    CHECK(state.stale);
    SUBCASE("a start") {
        const Daemon daemon(dir / "pid");
        CHECK(read_file(dir / "pid") == std::to_string(daemon.pid()) + "\n");
        CHECK(!read_pid_file(dir / "pid").stale);
    }
    SUBCASE("a clearing") {
        clear_stale_pid_file(dir / "pid");
        CHECK(read_file(dir / "pid").empty());
        CHECK(!read_pid_file(dir / "pid").stale);
    }
}

TEST_CASE("pid file: a daemon that ended in order leaves nothing that looks like a crash") {
    const RunDir dir;
    REQUIRE(in_child([&] {
                PidFile file(dir / "pid");
                file.clear();
                return 0;
            }) == 0);
    const PidFileState state = read_pid_file(dir / "pid");
    CHECK(!state.holder);
    CHECK(!state.stale);
}

TEST_CASE("pid file: a running daemon's number is not cleared") {
    const RunDir dir;
    const Daemon daemon(dir / "pid");
    clear_stale_pid_file(dir / "pid");
    CHECK(read_file(dir / "pid") == std::to_string(daemon.pid()) + "\n");
    CHECK(read_pid_file(dir / "pid").holder == daemon.pid());
}

TEST_CASE("pid file: none is nobody running") {
    const RunDir dir;
    CHECK(!read_pid_file(dir / "pid").holder);
    CHECK(!read_pid_file(dir / "pid").stale);
    CHECK_NOTHROW(clear_stale_pid_file(dir / "pid"));
    CHECK(!std::filesystem::exists(dir / "pid"));
    CHECK(refusal(dir / "no" / "pid") == "cannot open the pid file " +
                                             (dir / "no" / "pid").string() +
                                             ": No such file or directory");
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
        CHECK(refusal(path).starts_with("cannot open the pid file " + path.string()));
        CHECK_THROWS_AS(read_pid_file(path), std::system_error);
        CHECK_THROWS_AS(clear_stale_pid_file(path), std::system_error);
    }
    SUBCASE("a second name of another file") {
        std::filesystem::create_hard_link(dir / "victim", path);
        CHECK(refusal(path) == foreign);
    }
    SUBCASE("somebody else's") {
        write_file(path, "precious");
        REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
        CHECK(refusal(path) == foreign);
        CHECK(read_file(path) == "precious");
    }
    SUBCASE("writable by others") {
        write_file(path, "precious");
        REQUIRE(chmod(path.c_str(), 0666) == 0);
        CHECK(refusal(path) == foreign);
        CHECK(read_file(path) == "precious");
    }
    SUBCASE("a FIFO") {
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        CHECK(refusal(path) == foreign);
    }
    CHECK(read_file(dir / "victim") == "precious");
}

}  // TEST_SUITE("pid_file")
