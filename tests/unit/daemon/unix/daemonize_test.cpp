#include "daemon/unix/daemonize.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

TEST_SUITE("daemonize") {

using namespace myq;
using namespace myq::test;

namespace {

// Starts `daemon` as a person at a terminal would, and returns what the terminal shows.
template <typename Daemon>
std::string start(int& exit_status, Daemon daemon) {
    const RunDir dir;
    exit_status = in_child([&] {
        const int fd = ::open((dir / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ::dup2(fd, STDERR_FILENO);
        Readiness readiness = daemonize();
        daemon(readiness);
        return 0;
    });
    return read_file(dir / "err");
}

// The service manager's end of NOTIFY_SOCKET.
class Manager {
public:
    Manager() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
        REQUIRE(::bind(fd_.value(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        ::setenv("NOTIFY_SOCKET", path().c_str(), 1);
    }
    ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    std::string path() const { return (dir_ / "notify").string(); }
    std::string hears() const {
        std::string text(1'000, '\0');
        const ssize_t n = ::recv(fd_.value(), text.data(), text.size(), 0);
        text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
        return text;
    }

private:
    RunDir dir_;
    Fd fd_;
};

}  // namespace

TEST_CASE("daemonize: who starts it hears that it is ready, and nothing else") {
    int status = -1;
    Lines lines;
    CHECK(start(status, [&](Readiness& readiness) {
              lines.say("works");
              readiness.ready();
          }) == "");
    CHECK(status == 0);
    lines.wait_for("works");
}

TEST_CASE("daemonize: who starts it gets the sentence and the exit code of a failure") {
    int status = -1;
    CHECK(start(status, [](Readiness& readiness) {
              readiness.failed("myqd: start: the key is taken\nand a second line", 78);
          }) == "myqd: start: the key is taken\nand a second line\n");
    CHECK(status == 78);
}

TEST_CASE("daemonize: a daemon that dies without a word is a failure") {
    int status = -1;
    CHECK(start(status, [](Readiness&) { raise(SIGKILL); }) ==
          "myqd: start: the daemon ended without a word; see its log\n");
    CHECK(status == 1);
}

TEST_CASE("daemonize: the daemon's children do not keep its starter waiting") {
    int status = -1;
    Lines lines;
    start(status, [&](Readiness& readiness) {
        // Holds every descriptor that the daemon has, as a worker does.
        if (::fork() == 0) {
            ::pause();
            ::_exit(0);
        }
        lines.say("forked");
        readiness.ready();
        ::kill(0, SIGKILL);
    });
    CHECK(status == 0);
}

TEST_CASE("daemonize: the daemon has a session of its own, does not lead it and has no terminal") {
    int status = -1;
    Lines lines;
    const pid_t test_session = ::getsid(0);
    start(status, [&](Readiness& readiness) {
        const bool own = ::getsid(0) != test_session && ::getsid(0) != ::getpid();
        const bool terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0;
        lines.say(own && !terminal ? "alone" : "attached");
        readiness.ready();
    });
    CHECK(lines.wait_for("a") == "alone");
}

TEST_CASE("readiness: in the foreground a failure is printed") {
    const RunDir dir;
    CHECK(in_child([&] {
              const int fd = ::open((dir / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
              ::dup2(fd, STDERR_FILENO);
              Readiness{}.ready();
              Readiness{}.failed("no luck", 78);
              return 0;
          }) == 0);
    CHECK(read_file(dir / "err") == "no luck\n");
}

TEST_CASE("readiness: a service manager hears it, from nobody but us") {
    const Manager manager;
    const pid_t pid = myq::test::fork_child([] {
        Readiness readiness;
        if (std::getenv("NOTIFY_SOCKET") != nullptr) return 2;
        readiness.ready();
        silence(STDERR_FILENO);
        readiness.failed("too late", 78);
        return 0;
    });
    CHECK(manager.hears() == "READY=1\nMAINPID=" + std::to_string(pid));
    CHECK(manager.hears() == "STATUS=too late");
    CHECK(myq::test::wait_for(pid) == 0);
}

TEST_CASE("readiness: a manager that is not there changes nothing") {
    ::setenv("NOTIFY_SOCKET", "/run/nobody/listens", 1);
    CHECK_NOTHROW(Readiness{}.ready());
    ::setenv("NOTIFY_SOCKET", std::string(500, 'x').c_str(), 1);
    CHECK_NOTHROW(Readiness{}.ready());
    CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
}

TEST_CASE("clean_process: what a starter left open, set or changed is gone") {
    CHECK(in_child([] {
              for (int i = 0; i < 20; ++i)
                  static_cast<void>(::open("/dev/null", O_RDONLY));
              ::setenv("LD_PRELOAD", "/tmp/evil.so", 1);
              ::setenv("IFS", "/", 1);
              ::setenv("PATH", "/tmp", 1);
              ::setenv("TZ", "Europe/Berlin", 1);
              ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
              ::unsetenv("LANG");
              ::unsetenv("NOTIFY_SOCKET");
              ::umask(0);
              ::signal(SIGTERM, SIG_IGN);
              clean_process();
              std::size_t variables = 0;
              for (char** each = environ; each != nullptr && *each != nullptr; ++each)
                  ++variables;
              if (variables != 3) return 2;
              if (std::getenv("TZ") != std::string("Europe/Berlin")) return 3;
              if (std::getenv("XDG_RUNTIME_DIR") != std::string("/run/user/7")) return 4;
              if (!std::string(std::getenv("PATH")).starts_with("/usr/local/sbin:")) return 5;
              if (::umask(0) != 077) return 6;
              if (std::filesystem::current_path() != "/") return 7;
              if (::signal(SIGTERM, SIG_DFL) != SIG_DFL) return 8;
              const Fd next{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
              return next.value() == 3 ? 0 : 9;
          }) == 0);
}

TEST_CASE("clean_process: standard streams that are closed are opened on nothing") {
    CHECK(in_child([] {
              for (int fd = 0; fd < 3; ++fd)
                  ::close(fd);
              clean_process();
              for (int fd = 0; fd < 3; ++fd) {
                  if (::fcntl(fd, F_GETFD) != 0) return 2;
                  const auto link = "/proc/self/fd/" + std::to_string(fd);
                  if (std::filesystem::read_symlink(link) != "/dev/null") return 3;
              }
              const Fd next{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
              return next.value() == 3 ? 0 : 4;
          }) == 0);
}

TEST_CASE("silence: a standard stream leads nowhere") {
    const RunDir dir;
    CHECK(in_child([&] {
              const int fd = ::open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
              ::dup2(fd, STDOUT_FILENO);
              silence(STDOUT_FILENO);
              return ::write(STDOUT_FILENO, "x", 1) == 1 ? 0 : 1;
          }) == 0);
    CHECK(read_file(dir / "out").empty());
}

}  // TEST_SUITE("daemonize")
