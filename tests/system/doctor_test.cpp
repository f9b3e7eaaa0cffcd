// What `myq doctor` says of a daemon that is well, and of one that something was done to.
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

TEST_SUITE("doctor") {

using namespace myq::test;

namespace fs = std::filesystem;

namespace {

const DaemonProcess::Setup plain{{"log"}, "handlers: [{type: any, plugin: log}]", {}};

// As an administrator asks, with myqd where it can be found; `before` stands in front of it all.
Run doctor(const DaemonProcess& daemon, const std::vector<std::string>& options = {},
           const std::vector<std::string>& before = {}) {
    std::vector<std::string> command = before;
    const std::string path = fs::path(DaemonProcess::binary()).parent_path().string();
    command.insert(command.end(), {"env", "PATH=" + path + ":/usr/sbin:/usr/bin:/sbin:/bin",
                                   MYQ_BINARY, "-c", daemon.config_file(), "doctor"});
    command.insert(command.end(), options.begin(), options.end());
    return run(command);
}

bool says(const Run& run, const std::string& text) {
    INFO(run.out);
    INFO(run.err);
    CHECK_MESSAGE(run.out.find(text) != std::string::npos, text);
    return run.out.find(text) != std::string::npos;
}

// What doctor says of the disk alone, as an exit code: whatever that of the machine under the test
// is like, slow or in memory.
int of_disk(const Run& found) {
    if (found.out.find("error    journal's disk: ") != std::string::npos) return 2;
    return found.out.find("warning  journal's disk: ") != std::string::npos ? 1 : 0;
}

void write_number(const char* file, int number) {
    write_file(file, std::to_string(number));
}

}  // namespace

TEST_CASE("doctor: a daemon that is well is fine in every respect") {
    const DaemonProcess daemon(plain);
    REQUIRE(daemon.start().exit_code == 0);
    const Run found = doctor(daemon);
    CHECK_MESSAGE(found.exit_code == of_disk(found), found.out);
    CHECK(found.err.empty());
    for (const char* line : {"fine     configuration: ", "fine     daemon: version ",
                             "fine     IPC namespace: the daemon's and ours are one",
                             "fine     queue jobs: as configured, key 0x6d797101",
                             "fine     kernel limits: large enough", " journal's disk: "})
        says(found, line);
    CHECK(count(found.out, "fix:") == (of_disk(found) != 0 ? 1 : 0));
    CHECK(count(doctor(daemon, {"--json"}).out, "{\"severity\":\"") ==
          count(found.out, "\n") - count(found.out, "fix:"));
}

TEST_CASE("doctor: no daemon, and one that was killed") {
    const DaemonProcess daemon(plain);
    Run found = doctor(daemon);
    CHECK(found.exit_code == 2);
    says(found, "error    daemon: not running: no one listens at ");
    says(found, "fix: service myq start");
    says(found, "fine     queue jobs: made when the daemon starts");
    REQUIRE(daemon.start().exit_code == 0);
    daemon.kill_all();
    daemon.wait_until_gone();
    found = doctor(daemon);
    CHECK(found.exit_code == 2);
    says(found, "it did not end in order: its pid file has a number left");
}

TEST_CASE("doctor: every mistake of the configuration, each with its line") {
    const DaemonProcess daemon(plain);
    write_file(daemon.config_file(), "queues:\n  - nam: jobs\n    capacity: -1\n");
    const Run found = doctor(daemon);
    CHECK(found.exit_code == 2);
    says(found, "myq.yaml:2:5: queues.nam: unknown key; did you mean 'name'?");
    says(found, "fix: mend ");
    CHECK(count(found.out, "error    configuration: ") >= 2);
}

TEST_CASE("doctor: a plugin that anybody may change") {
    const DaemonProcess daemon(plain);
    REQUIRE(daemon.start().exit_code == 0);
    fs::permissions(daemon.plugin_dir() / "log.so", fs::perms{0666});
    const Run found = doctor(daemon);
    CHECK(found.exit_code == 2);
    says(found, "error    configuration: ");
    says(found, "log.so: ");
}

TEST_CASE("doctor: a queue that was shut, filled or taken by somebody else") {
    const DaemonProcess daemon(plain);
    REQUIRE(daemon.start().exit_code == 0);
    const int id = daemon.queue().id();
    msqid_ds settings{};
    REQUIRE(::msgctl(id, IPC_STAT, &settings) == 0);
    settings.msg_perm.mode = 0600;
    REQUIRE(::msgctl(id, IPC_SET, &settings) == 0);
    Run found = doctor(daemon);
    CHECK(found.exit_code == std::max(1, of_disk(found)));
    says(found, "warning  queue jobs: its mode is 0600, configured is 0620");

    REQUIRE(daemon.stop().exit_code == 0);
    REQUIRE(::msgctl(id, IPC_RMID, nullptr) == 0);
    const pid_t squatter = ::fork();
    if (squatter == 0)
        ::_exit(::setuid(65534) == 0 && ::msgget(0x6d797101, IPC_CREAT | 0666) >= 0 ? 0 : 1);
    int status = -1;
    ::waitpid(squatter, &status, 0);
    REQUIRE(status == 0);
    found = doctor(daemon);
    CHECK(found.exit_code == 2);
    says(found, "was created by uid 65534");
    says(found, "ipcrm -q");
}

TEST_CASE("doctor: a queue from which the daemon may not receive, whatever is configured") {
    const DaemonProcess daemon(plain);
    REQUIRE(daemon.start().exit_code == 0);
    const int id = daemon.queue().id();
    struct Row {
        uid_t owner;
        unsigned mode;
        const char* what;
    };
    for (const Row& row : {Row{65534, 0620, "it belongs to nobody, mode 0620"},
                           Row{950, 0022, "it belongs to myq, mode 0022"}}) {
        msqid_ds settings{};
        REQUIRE(::msgctl(id, IPC_STAT, &settings) == 0);
        settings.msg_perm.uid = row.owner;
        settings.msg_perm.mode = static_cast<unsigned short>(row.mode);
        REQUIRE(::msgctl(id, IPC_SET, &settings) == 0);
        const Run found = doctor(daemon);
        CHECK(found.exit_code == 2);
        says(found, std::string("error    queue jobs: user myq, as whom the daemon runs, may not "
                                "receive from it: ") +
                        row.what);
    }
    REQUIRE(daemon.stop().exit_code == 0);
    REQUIRE(daemon.start().exit_code == 0);
    const Run found = doctor(daemon);
    CHECK_MESSAGE(found.exit_code == of_disk(found), found.out);
}

TEST_CASE("doctor: a system call that fails takes nothing away but what it would have told") {
    const DaemonProcess daemon(plain);
    REQUIRE(daemon.start().exit_code == 0);
    for (const std::string call : {"msgget", "msgctl", "shmctl", "semctl", "statfs", "uname"}) {
        CAPTURE(call);
        const Run found = doctor(daemon, {},
                                 {"strace", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                                  "inject=" + call + ":error=ENOSYS"});
        for (const char* about : {" configuration: ", " daemon: version ", " journal's disk: "})
            says(found, about);
        CHECK_MESSAGE(found.err.empty(), found.err);
    }
}

TEST_CASE("doctor: a queue that is nearly full, and messages that are dead") {
    DaemonProcess::Setup setup = plain;
    setup.queue = "capacity: 1000\nretry: {attempts: 1}\n"
                  "handlers: [{type: any, plugin: exec, options: {command: [/bin/false]}}]";
    setup.plugins = {"exec"};
    const DaemonProcess daemon(setup);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "x");
    REQUIRE(daemon.logged("is dead"));
    Run found = doctor(daemon);
    CHECK(found.exit_code == std::max(1, of_disk(found)));
    says(found, "1 messages are dead");
    says(found, "fix: myq dead list");
    REQUIRE(daemon.stop().exit_code == 0);
    daemon.send(1, std::string(950, 'x'));
    found = doctor(daemon);
    says(found, "nearly full: 1 messages, 950 of 1000 bytes");
}

TEST_CASE("doctor: another IPC namespace") {
    const DaemonProcess daemon(plain);
    REQUIRE(daemon.start().exit_code == 0);
    const Run found = doctor(daemon, {}, {"unshare", "--ipc"});
    CHECK(found.exit_code == 2);
    says(found, "messages sent from here never reach it");
}

TEST_CASE("doctor: limits that are nearly used up") {
    const DaemonProcess daemon(plain);
    REQUIRE(daemon.start().exit_code == 0);
    write_number("/proc/sys/kernel/msgmni", 1);
    const Run found = doctor(daemon);
    CHECK(found.exit_code == std::max(1, of_disk(found)));
    says(found, "warning  kernel.msgmni: 1 of 1 queues are in use");
    write_number("/proc/sys/kernel/msgmax", 1000);
    const Run too_small = doctor(daemon);
    CHECK(too_small.exit_code == 2);
    says(too_small, "kernel.msgmax: 1000 bytes in one message are allowed, 8192 needed");
    says(too_small, "fix: sysctl -w kernel.msgmax=8192");
}

TEST_CASE("doctor: a journal in memory, and a disk without room") {
    const DaemonProcess daemon(plain);
    fs::create_directory(daemon.journal_dir());
    REQUIRE(::mount("tmpfs", daemon.journal_dir().c_str(), "tmpfs", 0, "size=8m") == 0);
    const Run found = doctor(daemon);
    says(found, "error    journal's disk: ");
    says(found, "is in memory");
    says(found, "has 8 MiB free, journal.min_free is 64 MiB");
    REQUIRE(::umount(daemon.journal_dir().c_str()) == 0);
}

TEST_CASE("doctor: a logind that removes an ordinary user's queues, and one that does not") {
    const DaemonProcess daemon(plain);
    std::string config = read_file(daemon.config_file());
    const std::string user = "user: myq";
    config.replace(config.find(user), user.size(), "user: nobody");
    write_file(daemon.config_file(), config);
    Run found = doctor(daemon);
    CHECK(found.out.find("logind") == std::string::npos);  // there is none
    fs::create_directories("/run/systemd/seats");
    found = doctor(daemon);
    says(found, "error    logind: user nobody is an ordinary user (65534)");
    fs::create_directories("/etc/systemd/logind.conf.d");
    write_file("/etc/systemd/logind.conf.d/myq.conf", "[Login]\nRemoveIPC = no\n");
    says(doctor(daemon), "fine     logind: leaves the daemon's queues alone");
}

TEST_CASE("doctor: what only root may see is unknown to others, and no error") {
    const DaemonProcess daemon(plain);
    REQUIRE(daemon.start().exit_code == 0);
    const Run found =
        doctor(daemon, {}, {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
    says(found, "unknown  ");
    says(found, "fix: run it as root");
    CHECK(found.out.find("error    queue") == std::string::npos);
}

}  // TEST_SUITE("doctor")
