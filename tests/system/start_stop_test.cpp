#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

TEST_SUITE("start_stop") {

namespace fs = std::filesystem;
using namespace myq::test;

namespace {

const DaemonProcess::Setup simple{{"log"}, "handlers: [{type: any, plugin: log}]", {}};

}  // namespace

TEST_CASE("start: it returns when the daemon can work, and stop when it is gone") {
    const DaemonProcess daemon(simple);
    CHECK(daemon.status().exit_code == 3);
    const Run start = daemon.start();
    CHECK(start.exit_code == 0);
    CHECK(start.err == "");
    CHECK(daemon.workers().size() == 1);
    CHECK(daemon.status().exit_code == 0);
    CHECK(daemon.status().out == fmt::format("myqd is running (pid {})\n", daemon.supervisor()));
    const pid_t pid = daemon.supervisor();
    CHECK(daemon.stop().exit_code == 0);
    CHECK(eventually([&] { return ::kill(pid, 0) != 0; }));  // who reaps it may be slow
    CHECK(daemon.status().exit_code == 3);
    CHECK(daemon.stop().exit_code == 0);
}

TEST_CASE("start: a second one is refused, with the pid of the first") {
    const DaemonProcess daemon(simple);
    REQUIRE(daemon.start().exit_code == 0);
    const Run second = daemon.start();
    CHECK(second.exit_code == 1);
    CHECK(second.err == fmt::format("myqd: already running (pid {})\n", daemon.supervisor()));
    CHECK(daemon.workers().size() == 1);
}

TEST_CASE("start: of many at once exactly one wins, and the others say so") {
    const DaemonProcess daemon(simple);
    const std::string command =
        fmt::format("for i in 1 2 3 4 5 6 7 8; do (\"{}\" -c {}; echo $?) & done; wait",
                    daemon.binary(), daemon.config_file().string());
    const Run all = run({"sh", "-c", command});
    CHECK(count(all.out, "0\n") == 1);
    CHECK(count(all.out, "1\n") == 7);
    CHECK(count(all.err, "already running") == 7);
    CHECK(daemon.status().exit_code == 0);
}

TEST_CASE("start: what is wrong is one line and an exit code, and nothing is left running") {
    struct Row {
        const char* spoil;  // a shell command, in the test's directory
        int exit_code;
        const char* sentence;
    };
    const Row rows[] = {
        {"rm myq.yaml", 78, "myq.yaml"},
        {"echo 'queues: [' >myq.yaml", 78, "myq.yaml:2:1"},
        {"sed -i 's/user: myq/user: nobody-here/' myq.yaml", 78, "there is no user 'nobody-here'"},
        {"sed -i 's/user: myq/user: root/' myq.yaml", 78, "handlers never run as root"},
        {"sed -i 's/group: myq,/group: no-such,/' myq.yaml", 78, "there is no group 'no-such'"},
        {"sed -i 's/hanlders//; s/handlers/hanlders/' myq.yaml", 78, "did you mean 'handlers'?"},
        {"sed -i 's/plugin: log/plugin: lgo/' myq.yaml", 78, "lgo.so: cannot open: No such file"},
        {"rm -r plugins", 78, "plugins: cannot open the plugin directory: No such file"},
        {"chmod 777 plugins", 78, "is writable by group or others (mode 0777)"},
        {"sed -i 's,file: [^},]*myqd.log,file: /nowhere/at/all.log,' myq.yaml", 73,
         "cannot open the log file"},
        {"ln -s /etc/passwd myqd.log", 71, "cannot open the log file"},
        {"ln -s /etc/passwd run/myqd.pid", 71, "cannot open the pid file"},
        {"chmod 777 run", 77, "nobody else may write"},
        {"chown nobody run", 77, "must be a directory that belongs to root"},
        {"chmod 666 myq.yaml", 78, "lets others write"},
        {"mkdir -m 755 run/slots", 77, "slots is not a private directory"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.spoil));
        const DaemonProcess daemon(simple);
        run({"mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", daemon.dir() / "run"});
        run({"sh", "-c", fmt::format("cd {} && {}", daemon.dir().string(), row.spoil)});
        const Run start = daemon.start();
        CHECK(start.exit_code == row.exit_code);
        CHECK(start.err.starts_with("myqd: "));
        CHECK_MESSAGE(start.err.find(row.sentence) != std::string::npos, start.err);
        CHECK(count(start.err, "\n") == 1);
        CHECK(eventually([] { return run({"pgrep", "-x", "myqd"}).out == ""; }));
        run({"umount", daemon.dir() / "run"});
    }
}

TEST_CASE("start: the directories above the journal's are made so that the service comes through") {
    const DaemonProcess daemon(simple);
    std::string config = read_file(daemon.config_file());
    const std::string usual = daemon.journal_dir();
    config.replace(config.find(usual), usual.size(), (daemon.dir() / "a/b/journal").string());
    write_file(daemon.config_file(), config);
    const Run start = daemon.start();
    REQUIRE_MESSAGE(start.exit_code == 0, start.err);
    struct stat st {};
    for (const char* parent : {"a", "a/b"}) {
        REQUIRE(::stat((daemon.dir() / parent).c_str(), &st) == 0);
        CHECK((st.st_mode & 0777U) == 0755);
        CHECK(st.st_uid == 0);
    }
}

TEST_CASE("start: killed with SIGKILL, the daemon is dead with a pid file, stop mends that") {
    const DaemonProcess daemon(simple);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.kill_all();
    daemon.wait_until_gone();
    CHECK(daemon.status().exit_code == 1);
    SUBCASE("a new start works") {
        CHECK(daemon.start().exit_code == 0);
    }
    SUBCASE("stop makes it a stopped daemon") {
        CHECK(daemon.stop().exit_code == 0);
        CHECK(daemon.status().exit_code == 3);
    }
}

TEST_CASE("stop: a pid file with the number of a stranger does the stranger no harm") {
    const DaemonProcess daemon(simple);
    const pid_t stranger = ::fork();
    if (stranger == 0) {
        ::pause();
        ::_exit(0);
    }
    write_file(daemon.pid_file(), std::to_string(stranger) + "\n");
    CHECK(daemon.status().exit_code == 1);
    CHECK(daemon.stop().exit_code == 0);
    CHECK(::kill(stranger, 0) == 0);
    CHECK(daemon.start().exit_code == 0);
    ::kill(stranger, SIGKILL);
}

TEST_CASE("stop: a handler that does not end in time is killed, and its message is kept") {
    const DaemonProcess daemon(
        {{"hangs"}, "handlers: [{type: any, plugin: hangs}]", "stop_timeout: 100ms"});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "hang");
    REQUIRE(eventually([&] { return daemon.queue().stat().messages == 0; }));
    CHECK(daemon.stop().exit_code == 0);
    CHECK(daemon.status().exit_code == 3);
    REQUIRE(daemon.start().exit_code == 0);  // the message is handled again, and hangs again
    CHECK(daemon.queue().stat().messages == 0);
    CHECK(daemon.stop().exit_code == 0);
    CHECK(daemon.log().find("1 given up") == std::string::npos);
}

TEST_CASE("check: says that all is well, changes nothing, and needs no stopped daemon") {
    const DaemonProcess daemon(simple);
    const Run check = daemon.myqd({"--check"});
    CHECK(check.exit_code == 0);
    CHECK(check.out == daemon.config_file().string() + ": fine\n");
    CHECK_FALSE(fs::exists(daemon.pid_file()));
    CHECK_FALSE(myq::MessageQueue::exists(myq::QueueKey::from_text(DaemonProcess::key)));
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(daemon.myqd({"--check"}).exit_code == 0);
}

TEST_CASE("an ordinary user runs a daemon of their own, without root and without a drop") {
    const DaemonProcess daemon(simple);
    // Everything there is belongs to nobody, as it would if nobody had made it.
    REQUIRE(run({"chown", "-R", "nobody", daemon.dir()}).exit_code == 0);
    const std::vector<std::string> as_nobody{"setpriv", "--reuid=nobody", "--regid=nogroup",
                                             "--clear-groups"};
    auto myqd = [&](const std::string& option) {
        std::vector<std::string> command = as_nobody;
        command.insert(command.end(), {daemon.binary(), "-c", daemon.config_file()});
        if (!option.empty()) command.push_back(option);
        return run(command);
    };
    const Run start = myqd("");
    CHECK(start.err == "");
    REQUIRE(start.exit_code == 0);
    struct stat process {};
    REQUIRE(::stat(fmt::format("/proc/{}", daemon.supervisor()).c_str(), &process) == 0);
    CHECK(process.st_uid == 65534);
    daemon.send(5, "from a friend");
    CHECK(daemon.logged("type 5, 13 bytes: from a friend"));
    CHECK(myqd("--stop").exit_code == 0);
}

TEST_CASE("remove-queues: refuses while the daemon runs, then says what was in each") {
    const DaemonProcess daemon(simple);
    REQUIRE(daemon.start().exit_code == 0);
    const Run refused = daemon.myqd({"--remove-queues"});
    CHECK(refused.exit_code == 1);
    CHECK(refused.err.find("stop it first") != std::string::npos);
    REQUIRE(daemon.stop().exit_code == 0);
    daemon.send(1, "left");
    const Run removed = daemon.myqd({"--remove-queues"});
    CHECK(removed.exit_code == 0);
    CHECK(removed.out == "queue jobs (0x6d797101): removed, with 1 messages (4 bytes) in it\n");
    CHECK(daemon.myqd({"--remove-queues"}).out == "queue jobs (0x6d797101): does not exist\n");
}

}  // TEST_SUITE("start_stop")
