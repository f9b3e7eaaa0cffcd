// What each kind of process has open, and what is not for everybody to hold.
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

TEST_SUITE("descriptors") {

namespace fs = std::filesystem;
using namespace myq::test;

namespace {

using Names = std::vector<std::string>;

std::string without_number(const std::string& target) {
    const std::size_t number = target.find(":[");
    const bool is_numbered = number != std::string::npos && target.find("anon_inode") != 0;
    return is_numbered ? target.substr(0, number) : target;
}

// What the descriptors of a process stand for, in alphabetical order: "jobs.0" for a file below the
// daemon's directory, "socket", "anon_inode:[eventfd]".
Names open_in(const DaemonProcess& daemon, pid_t pid) {
    Names names;
    std::error_code ended;
    for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", pid), ended)) {
        std::error_code gone;
        const fs::path target = fs::read_symlink(entry.path(), gone);
        if (gone) continue;
        const bool is_ours = target.native().starts_with(daemon.dir().native());
        names.push_back(is_ours ? target.filename().string() : without_number(target.string()));
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string list(const Names& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

// A process of the daemon with this slot open, other than the supervisor.
pid_t worker_on(const DaemonProcess& daemon, const std::string& slot) {
    for (const pid_t pid : daemon.workers()) {
        const Names names = open_in(daemon, pid);
        if (std::find(names.begin(), names.end(), slot) != names.end()) return pid;
    }
    return 0;
}

// Slots of the daemon under test are files in a run directory on a tmpfs.
struct SlotsOnTmpfs {
    explicit SlotsOnTmpfs(const DaemonProcess& of) : daemon(of), run_dir(of.dir() / "run") {
        run({"mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", run_dir});
    }
    ~SlotsOnTmpfs() {
        daemon.kill_all();  // or its pid file would go before it
        daemon.wait_until_gone();
        run({"umount", "-l", run_dir});
    }
    SlotsOnTmpfs(const SlotsOnTmpfs&) = delete;
    SlotsOnTmpfs& operator=(const SlotsOnTmpfs&) = delete;
    const DaemonProcess& daemon;
    fs::path run_dir;
};

// Keeps everybody from reading the journal: who wants to waits, for as long as SQLite does.
class ClosedJournal {
public:
    explicit ClosedJournal(const DaemonProcess& daemon)
        : fd_(::open((daemon.journal_dir() / "journal.db-shm").c_str(), O_RDWR | O_CLOEXEC)) {
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        lock.l_start = 123;  // where SQLite locks what it reads, 5 bytes
        lock.l_len = 5;
        if (!eventually([&] { return ::fcntl(fd_, F_OFD_SETLK, &lock) == 0; }))
            throw std::runtime_error("the journal cannot be closed");
    }
    ~ClosedJournal() { ::close(fd_); }
    ClosedJournal(const ClosedJournal&) = delete;
    ClosedJournal& operator=(const ClosedJournal&) = delete;

private:
    int fd_;
};

// A child of the supervisor's that has no slot.
pid_t clerk_of(const DaemonProcess& daemon) {
    for (const pid_t pid : daemon.workers()) {
        const Names names = open_in(daemon, pid);
        const bool has_slot = std::any_of(names.begin(), names.end(), [](const std::string& name) {
            return name.starts_with("jobs");
        });
        if (!has_slot && !names.empty()) return pid;
    }
    return 0;
}

int ask(const fs::path& socket, const std::string& question) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(fd, generic, sizeof address) != 0) throw std::runtime_error("connect");
    if (::write(fd, question.data(), question.size()) < 0) throw std::runtime_error("write");
    return fd;
}

const std::string journal_files = "journal.db, journal.db-shm, journal.db-wal, journal.lock";

}  // namespace

TEST_CASE("descriptors: of a memory queue's processes, each has what it was given and no more") {
    const DaemonProcess daemon({{"log"}, "handlers: [{type: any, plugin: log}]", {}});
    const SlotsOnTmpfs slots(daemon);
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(list(open_in(daemon, worker_on(daemon, "jobs.0"))) ==
          "/, /dev/null, /dev/null, /memfd:log (deleted), anon_inode:[eventfd], jobs.0, myqd.log");
    const std::string supervisors =
        "/dev/null, /dev/null, /memfd:log (deleted), anon_inode:[eventfd], "
        "anon_inode:[eventpoll], anon_inode:[signalfd], anon_inode:inotify, jobs.0, myqd.lock, "
        "myqd.log, myqd.pid, socket";
    // Who starts it reads the last of its pipe.
    CHECK(eventually([&] { return list(open_in(daemon, daemon.supervisor())) == supervisors; }));
    CHECK(list(open_in(daemon, daemon.supervisor())) == supervisors);
}

TEST_CASE("descriptors: of a journaled queue's processes, each has what it was given and no more") {
    const DaemonProcess daemon(
        {{"log"}, "durability: journal\nhandlers: [{type: any, plugin: log}]", {}});
    const SlotsOnTmpfs slots(daemon);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "through the journal");
    REQUIRE(daemon.logged("through the journal"));
    const std::string common = "/dev/null, /dev/null, /memfd:log (deleted), anon_inode:[eventfd], ";
    CHECK(list(open_in(daemon, worker_on(daemon, "jobs.0"))) ==
          "/, " + common + "jobs.0, " + journal_files + ", myqd.log");
    CHECK(list(open_in(daemon, worker_on(daemon, "jobs+0"))) ==
          common + "jobs+0, " + journal_files + ", myqd.log");
    const ClosedJournal closed(daemon);
    const int caller = ask(daemon.dir() / "run/control", "status\n");
    const std::string clerk = common + journal_files + ", myqd.log, socket";
    CHECK(eventually([&] { return list(open_in(daemon, clerk_of(daemon))) == clerk; }));
    CHECK(list(open_in(daemon, clerk_of(daemon))) == clerk);
    // It ends with the daemon.
    const pid_t pid = clerk_of(daemon);
    REQUIRE(pid > 0);
    ::kill(daemon.supervisor(), SIGKILL);
    CHECK(eventually([&] { return ::kill(pid, 0) != 0; }));
    ::close(caller);
}

}  // TEST_SUITE("descriptors")
