#include "config/run_state.hpp"
#include "ipc/lock_holder.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/journal/gate.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>

TEST_SUITE("run_state") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr uid_t nobody = 65534;

// A process of `user`'s with a lock on a file, until the end of the object.
class Holder {
public:
    Holder(const std::filesystem::path& file, int command, short kind, uid_t user = 0) {
        const Gate locked;
        pid_ = fork_child([&] {
            const int fd = ::open(file.c_str(), O_RDWR | O_CREAT, 0600);
            struct flock lock {};
            lock.l_type = kind;
            lock.l_whence = SEEK_SET;
            if (::setresuid(user, user, user) != 0 || ::fcntl(fd, command, &lock) != 0) return 1;
            locked.open();
            ::pause();
            return 0;
        });
        locked.pass();
    }
    ~Holder() {
        ::kill(pid_, SIGKILL);
        wait_for(pid_);
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    pid_t pid() const { return pid_; }

private:
    pid_t pid_;
};

// Listens in the run directory, as this process.
class Listener {
public:
    explicit Listener(const std::filesystem::path& run_dir)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = run_dir / control_socket_name;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        REQUIRE(::bind(fd_, generic, sizeof address) == 0);
        REQUIRE(::listen(fd_, 8) == 0);
        std::filesystem::permissions(path, std::filesystem::perms{0666});
    }
    ~Listener() { ::close(fd_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

private:
    int fd_;
};

}  // namespace

TEST_CASE("run state: nothing there is nobody running") {
    const TempDir dir;
    for (const auto& run_dir : {dir.path(), dir.path() / "missing"}) {
        const RunState state = look_at_run_dir(run_dir, "myq");
        CHECK(state.daemon == 0);
        CHECK(state.stranger.empty());
        CHECK(!state.stale);
    }
    write_file(dir.path() / pid_file_name, "4711\n");
    CHECK(look_at_run_dir(dir.path(), "myq").stale);
}

TEST_CASE("run state: the daemon is who has a write lock and may be one") {
    const TempDir dir;
    const auto lock = dir.path() / lock_file_name;
    SUBCASE("root") {
        const Holder holder(lock, F_SETLK, F_WRLCK);
        CHECK(look_at_run_dir(dir.path(), "myq").daemon == holder.pid());
    }
    SUBCASE("the service") {
        const Holder holder(lock, F_SETLK, F_WRLCK, nobody);
        CHECK(look_at_run_dir(dir.path(), "nobody").daemon == holder.pid());
        const RunState state = look_at_run_dir(dir.path(), "myq");
        CHECK(state.daemon == 0);
        CHECK(state.stranger.starts_with("process " + std::to_string(holder.pid())));
        CHECK(state.refusal(dir.path()).starts_with("the lock " + lock.string() + " is held by"));
    }
    SUBCASE("the user of an unprivileged daemon, and nobody else") {
        REQUIRE(::chown(dir.path().c_str(), nobody, nobody) == 0);
        {
            const Holder holder(lock, F_SETLK, F_WRLCK, nobody);
            CHECK(look_at_run_dir(dir.path(), "myq").daemon == holder.pid());
        }
        const Holder root(lock, F_SETLK, F_WRLCK);
        CHECK(look_at_run_dir(dir.path(), "myq").daemon == 0);
    }
    SUBCASE("not who reads") {
        const Holder holder(lock, F_SETLK, F_RDLCK);
        const RunState state = look_at_run_dir(dir.path(), "myq");
        CHECK(state.daemon == 0);
        CHECK(!state.stranger.empty());
    }
    SUBCASE("not who is not named") {
        const Holder holder(lock, F_OFD_SETLK, F_WRLCK);
        const RunState state = look_at_run_dir(dir.path(), "myq");
        CHECK(state.daemon == 0);
        // Found all the same, for people.
        CHECK(state.stranger.starts_with("process " + std::to_string(holder.pid())));
        CHECK(state.stranger.ends_with("through an open file description"));
    }
}

TEST_CASE("run state: of an older myqd the lock is on the pid file, where readers mean nothing") {
    const TempDir dir;
    const auto file = dir.path() / pid_file_name;
    {
        const Holder older(file, F_SETLK, F_WRLCK);
        CHECK(look_at_run_dir(dir.path(), "myq").daemon == older.pid());
    }
    for (const int command : {F_SETLK, F_OFD_SETLK}) {
        const Holder reader(file, command, F_RDLCK, nobody);
        const RunState state = look_at_run_dir(dir.path(), "myq");
        CHECK(state.daemon == 0);
        CHECK(state.stranger.empty());
    }
}

TEST_CASE("run state: who may not open the lock asks who listens, and is told the truth") {
    const TempDir dir;
    write_file(dir.path() / lock_file_name, "");
    std::filesystem::permissions(dir.path() / lock_file_name, std::filesystem::perms{0600});
    write_file(dir.path() / pid_file_name, "1\n");
    const auto seen_by_nobody = [&] {
        return as_nobody([&] {
            const RunState state = look_at_run_dir(dir.path(), "myq");
            return state.daemon == ::getppid() ? 1 : state.daemon == 0 && state.stale ? 2 : 3;
        });
    };
    CHECK(seen_by_nobody() == 2);
    {
        const Listener daemon(dir.path());
        CHECK(seen_by_nobody() == 1);
    }
    CHECK(seen_by_nobody() == 2);  // the socket is left, and nobody listens
}

TEST_CASE("run state: a peer is believed if it has the lock, or the number where that is closed") {
    const TempDir dir;
    const Listener listener(dir.path());
    const auto doubt = [&] {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = dir.path() / control_socket_name;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        const bool ok = ::connect(fd, generic, sizeof address) == 0;
        std::string text = ok ? doubt_about_peer(fd, dir.path()) : "nobody";
        ::close(fd);
        return text;
    };
    CHECK(doubt().find("is not the daemon") != std::string::npos);
    write_file(dir.path() / pid_file_name, std::to_string(::getpid()) + "\n");
    CHECK(doubt().empty());
    {
        const Holder other(dir.path() / lock_file_name, F_SETLK, F_WRLCK);
        CHECK(doubt().ends_with("is not the daemon, process " + std::to_string(other.pid()) +
                                " of uid 0"));
        // Who may not open the lock has the number.
        const bool believed = as_nobody([&] { return doubt().empty() ? 0 : 1; }) == 0;
        CHECK(believed);
    }
    REQUIRE(::chown(dir.path().c_str(), nobody, nobody) == 0);
    CHECK(doubt().find("is not the daemon") != std::string::npos);
}

}  // TEST_SUITE("run_state")
