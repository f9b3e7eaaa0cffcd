#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TEST_SUITE("security") {

using namespace myq::test;

namespace {

const DaemonProcess::Setup simple{
    {"log"}, "receivers: 2\nhandlers: [{type: any, plugin: log}]", {}};

std::string status_of(pid_t pid) {
    return read_file(fmt::format("/proc/{}/status", pid));
}

// Connections of user nobody's, which say nothing.
std::vector<int> connect_as_nobody(const std::filesystem::path& socket_file, int count) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_file.native().copy(address.sun_path, sizeof address.sun_path - 1);
    std::vector<int> connections;
    REQUIRE(::seteuid(65534) == 0);
    for (int i = 0; i < count; ++i) {
        connections.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        CHECK(::connect(connections.back(), generic, sizeof address) == 0);
    }
    REQUIRE(::seteuid(0) == 0);
    return connections;
}

}  // namespace

TEST_CASE("control: whoever connects and asks nothing keeps nobody out") {
    const DaemonProcess daemon(simple);
    REQUIRE(daemon.start().exit_code == 0);
    const auto silent = connect_as_nobody(daemon.dir() / "run/control", 200);
    const Run status = daemon.myq({"status", "--json"});
    CHECK(status.exit_code == 0);
    CHECK(status.out.find("\"state\":\"running\"") != std::string::npos);
    // Nobody is forked for before the question is there.
    CHECK(read_file(fmt::format("/proc/{0}/task/{0}/children", daemon.supervisor())) ==
          fmt::format("{} {} ", daemon.workers().at(0), daemon.workers().at(1)));
    for (const int fd : silent)
        ::close(fd);
}

TEST_CASE("privileges: every process is the service user, with no capability and no way back") {
    const DaemonProcess daemon(simple);
    REQUIRE(daemon.start().exit_code == 0);
    std::vector<pid_t> all = daemon.workers();
    all.push_back(daemon.supervisor());
    CHECK(all.size() == 3);
    for (const pid_t pid : all) {
        const std::string status = status_of(pid);
        CAPTURE(status);
        CHECK(status.find("\nUid:\t950\t950\t950\t950\n") != std::string::npos);
        CHECK(status.find("\nGid:\t950\t950\t950\t950\n") != std::string::npos);
        CHECK(status.find("\nGroups:\t950 \n") != std::string::npos);
        for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
            CHECK(status.find(fmt::format("\n{}:\t0000000000000000\n", set)) != std::string::npos);
        }
        CHECK(status.find("\nNoNewPrivs:\t1\n") != std::string::npos);
    }
}

TEST_CASE("privileges: what the configuration keeps is kept, and nothing else") {
    const DaemonProcess daemon({{"log"},
                                "handlers: [{type: any, plugin: log}]",
                                "keep_capabilities: [ipc_owner], no_new_privs: false"});
    REQUIRE(daemon.start().exit_code == 0);
    const std::string status = status_of(daemon.workers().at(0));
    CHECK(status.find("\nCapEff:\t0000000000008000\n") != std::string::npos);
    CHECK(status.find("\nCapBnd:\t0000000000000000\n") != std::string::npos);
    CHECK(status.find("\nNoNewPrivs:\t0\n") != std::string::npos);
}

TEST_CASE("environment: handlers see nothing of the caller's") {
    const DaemonProcess daemon({{"exec"},
                                "handlers: [{type: any, plugin: exec, options: {command: [/bin/sh, "
                                "-c, 'env >/mnt/env']}}]",
                                {}});
    std::filesystem::remove("/mnt/env");
    REQUIRE(run({"env", "SECRET=1", "LD_LIBRARY_PATH=/tmp", DaemonProcess::binary(), "-c",
                 daemon.config_file()})
                .exit_code == 0);
    daemon.send(1, "");
    CHECK(eventually([] { return read_file("/mnt/env").find("MYQ_TYPE=1") != std::string::npos; }));
    CHECK(read_file("/mnt/env").find("SECRET") == std::string::npos);
    CHECK(read_file("/mnt/env").find("LD_LIBRARY_PATH") == std::string::npos);
    CHECK(read_file(fmt::format("/proc/{}/environ", daemon.workers().at(0))).find("LD_PRELOAD") ==
          std::string::npos);
}

TEST_CASE("descriptors: what the caller had open is closed, and the terminal is let go") {
    const DaemonProcess daemon(simple);
    REQUIRE(run({"sh", "-c",
                 fmt::format("exec 7</etc/passwd; {} -c {}", DaemonProcess::binary(),
                             daemon.config_file().string())})
                .exit_code == 0);
    const Run files = run({"ls", "-l", fmt::format("/proc/{}/fd", daemon.supervisor())});
    CHECK(files.out.find("/etc/passwd") == std::string::npos);
    CHECK(files.out.find("0 -> /dev/null") != std::string::npos);
    CHECK(files.out.find("1 -> /dev/null") != std::string::npos);
    CHECK(files.out.find("2 -> " + daemon.log_file().string()) != std::string::npos);
    CHECK(status_of(daemon.supervisor()).find("\nUmask:\t0077\n") != std::string::npos);
}

}  // TEST_SUITE("security")
