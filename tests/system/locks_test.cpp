// Locks that somebody else holds: nobody is kept from starting, nobody waits for ever, and nothing
// is signalled that is not the daemon.
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

TEST_SUITE("locks") {

namespace fs = std::filesystem;
using namespace myq::test;

namespace {

const DaemonProcess::Setup with_log{{"log"}, "handlers: [{type: any, plugin: log}]", {}};

// A process of user nobody's that reads the file and has a read lock on it.
class Squatter {
public:
    Squatter(const fs::path& file, int command) {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
        pid_ = ::fork();
        if (pid_ == 0) {
            const int fd = ::open(file.c_str(), O_RDONLY);
            struct flock lock {};
            lock.l_type = F_RDLCK;
            lock.l_whence = SEEK_SET;
            const bool ok = ::setgid(65534) == 0 && ::setuid(65534) == 0 &&
                            ::fcntl(fd, command, &lock) == 0 && ::write(ends[1], "!", 1) == 1;
            while (ok)
                ::pause();
            ::_exit(1);
        }
        ::close(ends[1]);
        char byte = 0;
        if (::read(ends[0], &byte, 1) != 1) throw std::runtime_error("no lock");
        ::close(ends[0]);
    }
    ~Squatter() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Squatter(const Squatter&) = delete;
    Squatter& operator=(const Squatter&) = delete;

    bool lives() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

private:
    pid_t pid_ = -1;
};

// Ends what the plugin `lingers` left behind.
struct Left {
    Left() {
        fs::remove("/mnt/lingers");
        fs::remove("/mnt/lingers.holds");
    }
    ~Left() {
        if (pid() > 0) ::kill(pid(), SIGKILL);
    }
    Left(const Left&) = delete;
    Left& operator=(const Left&) = delete;

    static pid_t pid() {
        pid_t pid = 0;
        std::ifstream("/mnt/lingers") >> pid;
        return pid;
    }
    static bool holds() {
        return eventually([] { return !read_file("/mnt/lingers.holds").empty(); });
    }
};

// Listens where a daemon would, and has an answer for everybody.
class Impostor {
public:
    Impostor(const fs::path& socket, std::string answer)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        fs::remove(socket);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        if (::bind(fd_, generic, sizeof address) != 0 || ::listen(fd_, 8) != 0)
            throw std::runtime_error("bind");
        thread_ = std::thread([this, text = std::move(answer)] {
            for (int caller = 0; (caller = ::accept(fd_, nullptr, nullptr)) >= 0;) {
                std::array<char, 64> question{};
                [[maybe_unused]] ssize_t ignored = ::read(caller, question.data(), question.size());
                ignored = ::send(caller, text.data(), text.size(), MSG_NOSIGNAL);
                ::close(caller);
            }
        });
    }
    ~Impostor() {
        ::shutdown(fd_, SHUT_RDWR);
        thread_.join();
        ::close(fd_);
    }
    Impostor(const Impostor&) = delete;
    Impostor& operator=(const Impostor&) = delete;

private:
    int fd_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("locks: a stranger's lock on the pid file keeps no daemon from starting or stopping") {
    const DaemonProcess daemon(with_log);
    REQUIRE(daemon.start().exit_code == 0);
    REQUIRE(daemon.stop().exit_code == 0);
    int command = 0;
    SUBCASE("a process's lock") {
        command = F_SETLK;
    }
    SUBCASE("a lock of an open file description") {
        command = F_OFD_SETLK;
    }
    const Squatter stranger(daemon.pid_file(), command);
    CHECK(daemon.status().exit_code == 3);
    CHECK(daemon.stop().exit_code == 0);
    CHECK(stranger.lives());
    const Run start = daemon.start();
    CHECK(start.err == "");
    CHECK(start.exit_code == 0);
    CHECK(daemon.status().out == fmt::format("myqd is running (pid {})\n", daemon.supervisor()));
    CHECK(daemon.reload().exit_code == 0);
    CHECK(daemon.stop().exit_code == 0);
    CHECK(daemon.status().exit_code == 3);
    CHECK(stranger.lives());
}

TEST_CASE("locks: the lock file is root's alone, and the number is for everybody to read") {
    const DaemonProcess daemon(with_log);
    REQUIRE(daemon.start().exit_code == 0);
    struct stat st {};
    REQUIRE(::stat((daemon.dir() / "run/myqd.lock").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0600);
    CHECK(st.st_uid == 0);
    REQUIRE(::stat(daemon.pid_file().c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0644);
    // Who may not open the lock is told all the same.
    const std::vector<std::string> as_nobody{
        "setpriv", "--reuid=nobody",     "--regid=nogroup", "--clear-groups", daemon.binary(),
        "-c",      daemon.config_file(), "--status"};
    CHECK(run(as_nobody).out == fmt::format("myqd is running (pid {})\n", daemon.supervisor()));
    daemon.kill_all();
    daemon.wait_until_gone();
    CHECK(run(as_nobody).exit_code == 1);
    CHECK(daemon.stop().exit_code == 0);
    CHECK(run(as_nobody).exit_code == 3);
}

TEST_CASE("locks: somebody who has the lock and is no daemon is named, and never signalled") {
    const DaemonProcess daemon(with_log);
    REQUIRE(daemon.start().exit_code == 0);
    REQUIRE(daemon.stop().exit_code == 0);
    const Squatter stranger(daemon.dir() / "run/myqd.lock", F_OFD_SETLK);
    for (const char* verb : {"--status", "--stop", "--reload", "--reopen"}) {
        CAPTURE(std::string(verb));
        const Run asked = daemon.myqd({verb});
        CHECK(asked.exit_code == (std::string(verb) == "--status" ? 4 : 1));
        CHECK(asked.err.find("myqd.lock") != std::string::npos);
        CHECK(asked.err.find("is no myqd") != std::string::npos);
    }
    const Run start = daemon.start();
    CHECK(start.exit_code == 1);
    CHECK(start.err.find("is no myqd") != std::string::npos);
    CHECK(stranger.lives());
}

TEST_CASE("locks: a process that a handler left holding its slot keeps no daemon from starting") {
    const Left left;
    const DaemonProcess daemon({{"lingers"}, "handlers: [{type: any, plugin: lingers}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "slot");
    REQUIRE(eventually([] { return Left::pid() > 0; }));
    SUBCASE("after the whole daemon was killed") {
        daemon.kill_all();
        daemon.wait_until_gone();
        REQUIRE(Left::holds());
        const Run start = daemon.start();
        CHECK(start.err == "");
        CHECK(start.exit_code == 0);
    }
    SUBCASE("after its worker was killed") {
        daemon.signal(SIGSTOP);  // or the next worker might be faster
        ::kill(daemon.workers().at(0), SIGKILL);
        REQUIRE(Left::holds());
        daemon.signal(SIGCONT);
    }
    daemon.send(1, "nothing");
    CHECK(eventually([&] { return daemon.queue().stat().messages == 0; }));
    CHECK(::kill(Left::pid(), 0) == 0);
    const std::string log = daemon.log();
    CHECK(log.find("they were ended") == std::string::npos);
    CHECK_MESSAGE(log.find("slot jobs.0 is locked by") != std::string::npos, log);
    CHECK(daemon.stop().exit_code == 0);
    CHECK_MESSAGE(daemon.log().find("stopped: 2 handled") != std::string::npos, daemon.log());
}

TEST_CASE("locks: a process that holds the journal's lock holds up nobody who only reads") {
    const Left left;
    const DaemonProcess daemon(
        {{"lingers"}, "handlers: [{type: any, plugin: lingers}]", "stop_timeout: 100ms"});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, (daemon.journal_dir() / "journal.lock").string());
    REQUIRE(Left::holds());
    const Run status = daemon.myq({"status"});
    CHECK(status.err == "");
    CHECK(status.exit_code == 0);
    CHECK(daemon.myq({"dead", "list"}).exit_code == 0);
    CHECK(daemon.stop().exit_code == 0);
    CHECK(eventually([] {
        return run({"pgrep", "-x", "myqd"}).out == std::to_string(Left::pid()) + "\n";
    }));
}

TEST_CASE("locks: who listens in the daemon's place is believed by nobody") {
    const DaemonProcess daemon(with_log);
    REQUIRE(daemon.start().exit_code == 0);
    const auto socket = daemon.dir() / "run/control";
    SUBCASE("status") {
        const Impostor impostor(socket,
                                R"({"version":"0","state":"fine","pid":1,"started_ms":0,)"
                                R"("workers":[],"queues":[],"journal":{"path":"","error":""}})");
        const Run status = daemon.myq({"status"});
        CHECK(status.exit_code == 69);
        CHECK(status.out == "");
        CHECK_MESSAGE(status.err.find("is not the daemon") != std::string::npos, status.err);
    }
    SUBCASE("reload") {
        const Impostor impostor(
            socket, fmt::format(R"({{"plugins":[{{"fit":true,"file":"{}","refused":false}}]}})",
                                (daemon.plugin_dir() / "log.so").string()));
        write_file(daemon.plugin_dir() / "log.so.new", "no plugin at all");
        fs::rename(daemon.plugin_dir() / "log.so.new", daemon.plugin_dir() / "log.so");
        const Run reload = daemon.reload();
        CHECK(reload.exit_code == 6);
        CHECK_MESSAGE(reload.err.find("is not the daemon") != std::string::npos, reload.err);
    }
}

TEST_CASE(
    "reopen: the holder of the lock opens its log anew, whatever the number in the pid file") {
    const DaemonProcess daemon(with_log);
    CHECK(daemon.myqd({"--reopen"}).exit_code == 7);
    REQUIRE(daemon.start().exit_code == 0);
    fs::rename(daemon.log_file(), daemon.log_file().string() + ".1");
    std::ofstream(daemon.log_file());
    REQUIRE(run({"chown", "myq", daemon.log_file()}).exit_code == 0);
    write_file(daemon.pid_file(), "-1\n");
    const Run reopen = daemon.myqd({"--reopen"});
    CHECK(reopen.exit_code == 0);
    CHECK(reopen.err == "");
    CHECK(eventually([&] {
        daemon.send(1, "after the rotation");
        return daemon.log().find("after the rotation") != std::string::npos;
    }));
    CHECK(daemon.stop().exit_code == 0);
}

}  // TEST_SUITE("locks")
