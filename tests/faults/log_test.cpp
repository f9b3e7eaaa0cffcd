// What befalls the log: rotation (F21), a full disk (F22).
#include "tests/faults/expect.hpp"
#include "tests/faults/processes.hpp"
#include "tests/faults/scale.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

TEST_SUITE("log") {

using namespace myq::test;

namespace fs = std::filesystem;

namespace {

constexpr uid_t service = 950;  // myq, in a world

// A daemon that logs each message, into a directory of its own user's, which may make files there.
class LoggingDaemon {
public:
    LoggingDaemon() {
        fs::create_directory(directory());
        REQUIRE(::chown(directory().c_str(), service, service) == 0);
        const std::string config = read_file(daemon.config_file());
        const std::string log = daemon.log_file();
        std::string changed = config;
        changed.replace(changed.find(log), log.size(), file().string());
        write_file(daemon.config_file(), changed);
    }

    fs::path directory() const { return daemon.dir() / "log"; }
    fs::path file() const { return directory() / "myqd.log"; }

    // How often each number n stands there as "line n;", in every file.
    std::map<int, int> lines() const {
        std::map<int, int> found;
        for (const auto& entry : fs::directory_iterator(directory())) {
            std::ifstream text(entry.path());
            for (std::string line; std::getline(text, line);) {
                const auto at = line.find("line ");
                if (at != std::string::npos && line.ends_with(';'))
                    ++found[std::atoi(line.c_str() + at + 5)];
            }
        }
        return found;
    }

    DaemonProcess daemon{{{"log"}, "receivers: 3\nhandlers: [{type: any, plugin: log}]", {}}};
};

// For whoever reads what failed.
std::string state_of(pid_t pid) {
    return read_file(fmt::format("/proc/{}/status", pid)) +
           read_file(fmt::format("/proc/{}/wchan", pid));
}

}  // namespace

TEST_CASE(
    "F21: the log is rotated a thousand times under load: no line is lost, and none is torn") {
    LoggingDaemon logging;
    REQUIRE(logging.daemon.start().exit_code == 0);
    const int messages = static_cast<int>(scaled(20'000));
    std::atomic<bool> sending = true;
    const std::jthread sender([&] {
        const auto queue = logging.daemon.queue();
        for (int i = 0; i < messages; ++i) {
            const std::string body = fmt::format("line {};", i);
            while (queue.send(1, std::as_bytes(std::span(body))) != myq::SendStatus::sent) {
            }
        }
        sending = false;
    });
    int rotations = 0;
    while (sending || rotations < static_cast<int>(scaled(1'000))) {
        // By rename, every tenth time with a file that is there already, as `create` makes it.
        fs::rename(logging.file(), fmt::format("{}.{}", logging.file().string(), rotations));
        if (rotations % 10 == 0) {
            const int fd = ::open(logging.file().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
            CHECK(::fchown(fd, service, service) == 0);
            ::close(fd);
        }
        logging.daemon.signal(SIGUSR1);
        REQUIRE_MESSAGE(eventually([&] { return fs::exists(logging.file()); }), "rotation ",
                        rotations, ", supervisor:\n", state_of(logging.daemon.supervisor()));
        ++rotations;
    }
    CHECK(eventually([&] { return logging.lines().size() == static_cast<std::size_t>(messages); }));
    for (const auto& [line, times] : logging.lines())
        REQUIRE_MESSAGE(times == 1, "line ", line);
    CHECK(logging.daemon.stop().exit_code == 0);
    MESSAGE(rotations, " rotations");
}

TEST_CASE("F21: a log that is deleted, or cut by copytruncate, is written on") {
    LoggingDaemon logging;
    REQUIRE(logging.daemon.start().exit_code == 0);
    logging.daemon.send(1, "line 1;");
    REQUIRE(eventually([&] { return logging.lines().contains(1); }));
    fs::resize_file(logging.file(), 0);
    logging.daemon.send(1, "line 2;");
    REQUIRE(eventually([&] { return logging.lines().contains(2); }));
    // Appended, not written where the old end was.
    CHECK(read_file(logging.file()).find('\0') == std::string::npos);
    fs::remove(logging.file());
    logging.daemon.send(1, "to nobody");
    logging.daemon.signal(SIGUSR1);
    REQUIRE(eventually([&] { return fs::exists(logging.file()); }));
    CHECK(eventually([&] {
        logging.daemon.send(1, "line 3;");
        return logging.lines()[3] >= 6;  // by every worker
    }));
}

TEST_CASE("F21: a symbolic link in place of the log is not followed, whomever it points to") {
    LoggingDaemon logging;
    REQUIRE(logging.daemon.start().exit_code == 0);
    const fs::path victim = logging.daemon.dir() / "victim";
    write_file(victim, "precious\n");
    REQUIRE(::chown(victim.c_str(), service, service) == 0);
    fs::rename(logging.file(), logging.file().string() + ".1");
    fs::create_symlink(victim, logging.file());
    for (int i = 0; i < 20; ++i) {
        logging.daemon.signal(SIGUSR1);
        logging.daemon.send(1, fmt::format("line {};", i));
    }
    // What cannot be opened is done without: they write where they wrote.
    CHECK(eventually([&] { return logging.lines().size() == 20; }));
    CHECK(read_file(logging.file().string() + ".1")
              .find(" anew: Too many levels of symbolic links") != std::string::npos);
    CHECK(read_file(victim) == "precious\n");
    CHECK(logging.daemon.stop().exit_code == 0);
}

TEST_CASE(
    "F22: a full log disk loses lines and nothing else, and has whole ones again when there is "
    "room") {
    Stage stage({.messages = 10'000, .receivers = 3});
    REQUIRE(run({"mount", "-t", "tmpfs", "-o", "X-mount.mkdir,size=64k", "tmpfs", "/mnt/full"})
                .exit_code == 0);
    REQUIRE(run({"sed", "-i", "s,file: [^,}]*myqd.log,file: /mnt/full/myqd.log,",
                 stage.daemon.config_file()})
                .exit_code == 0);
    REQUIRE(stage.daemon.start().exit_code == 0);
    for (int i = 0; i < 2'000; ++i) {
        const bool fails = i % 2 == 0;
        stage.checker.send(stage.daemon.queue(), 1, fails ? "flaky" : "",
                           fails ? Checker::Fate::again : Checker::Fate::once);
        if (i % 100 == 0) stage.daemon.signal(SIGHUP);  // says that it reloads, until no more fits
    }
    write_file("/mnt/full/ballast", std::string(100'000, 'x'));  // whatever is left
    CHECK(eventually([&] { return stage.checker.handled() == 2'000; }));
    fs::remove("/mnt/full/ballast");
    fs::resize_file("/mnt/full/myqd.log", 0);
    stage.daemon.signal(SIGHUP);
    REQUIRE(eventually(
        [] { return read_file("/mnt/full/myqd.log").find("reloaded: ") != std::string::npos; }));
    std::istringstream log(read_file("/mnt/full/myqd.log"));
    for (std::string line; std::getline(log, line);)
        CHECK_MESSAGE(line.find("myqd[") != std::string::npos, line);
    expect_promises_kept(stage);
    run({"umount", "/mnt/full"});
}

}  // TEST_SUITE("log")
