#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

TEST_SUITE("queue") {

using namespace myq::test;
using myq::MessageQueue;
using myq::QueueKey;

namespace {

const DaemonProcess::Setup sending_group{
    {"log"}, "group: myq-send\nmode: \"0620\"\nhandlers: [{type: any, plugin: log}]", {}};

// A queue that somebody else made first.
void squat(uid_t uid) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(::setuid(uid) == 0 && ::msgget(0x6d797101, IPC_CREAT | 0666) >= 0 ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
}

}  // namespace

TEST_CASE("queue: it is made as the configuration has it") {
    const DaemonProcess daemon(sending_group);
    REQUIRE(daemon.start().exit_code == 0);
    const myq::QueueStat stat = daemon.queue().stat();
    CHECK(stat.uid == 950);
    CHECK(stat.gid == 951);
    CHECK(stat.mode == 0620);
    CHECK(stat.creator_uid == 0);
    CHECK(stat.creator_gid == 950);
}

TEST_CASE("queue: it and its messages outlive a stop, and the next start handles them") {
    const DaemonProcess daemon(sending_group);
    REQUIRE(daemon.start().exit_code == 0);
    REQUIRE(daemon.stop().exit_code == 0);
    daemon.send(3, "while you were out");
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(daemon.logged("type 3, 18 bytes: while you were out"));
}

TEST_CASE("queue: somebody else's under our key is refused and left as it is") {
    const DaemonProcess daemon(sending_group);
    squat(65534);
    const Run start = daemon.start();
    CHECK(start.exit_code == 78);
    CHECK(start.err.find("was created by uid 65534, mode 0666") != std::string::npos);
    CHECK(start.err.find("ipcrm -q") != std::string::npos);
    CHECK(daemon.queue().stat().mode == 0666);
    CHECK(daemon.myqd({"--check"}).exit_code == 78);
    CHECK(daemon.myqd({"--remove-queues"}).exit_code == 4);
    CHECK(MessageQueue::exists(QueueKey::from_text(DaemonProcess::key)));
}

TEST_CASE("queue: a creator that the configuration trusts is accepted") {
    const DaemonProcess daemon(
        {{"log"}, "creators: [nobody]\nhandlers: [{type: any, plugin: log}]", {}});
    squat(65534);
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(daemon.queue().stat().uid == 950);
    CHECK(daemon.logged("was uid 65534"));
}

TEST_CASE("queue: removed under the daemon, it is made again, with one line, and work goes on") {
    const DaemonProcess daemon(
        {{"log"}, "group: myq-send\nreceivers: 3\nhandlers: [{type: any, plugin: log}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    const auto workers = daemon.workers();
    daemon.queue().remove();
    REQUIRE(daemon.logged("was removed from outside"));
    daemon.send(1, "still there?");
    CHECK(daemon.logged("type 1, 12 bytes: still there?"));
    CHECK(daemon.queue().stat().gid == 951);
    CHECK(daemon.queue().stat().mode == 0620);
    CHECK(count(daemon.log(), "was removed from outside") == 1);
    CHECK(daemon.workers() == workers);
}

TEST_CASE("queue: what the kernel does not grant of the capacity is said and done without") {
    std::ofstream("/proc/sys/kernel/msgmnb") << 5000;
    const DaemonProcess daemon(
        {{"log"}, "capacity: 1MiB\nhandlers: [{type: any, plugin: log}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    if (daemon.queue().stat().capacity == 1048576) return;  // a machine with CAP_SYS_RESOURCE
    CHECK(daemon.queue().stat().capacity == 5000);
    CHECK(daemon.logged("sysctl -w kernel.msgmnb=1048576"));
}

TEST_CASE(
    "queue: a message longer than the slot, since msgmax was raised, is handled all the same") {
    const DaemonProcess daemon(
        {{"log"}, "capacity: 64KiB\nhandlers: [{type: any, plugin: log}]", {}});
    std::ofstream("/proc/sys/kernel/msgmnb") << 65536;
    REQUIRE(daemon.start().exit_code == 0);
    std::ofstream("/proc/sys/kernel/msgmax") << 40000;
    daemon.send(1, std::string(20000, 'x'));
    std::ofstream("/proc/sys/kernel/msgmax") << 8192;
    CHECK(daemon.logged("type 1, 20000 bytes: xxx"));
    daemon.send(1, "after");
    CHECK(daemon.logged("type 1, 5 bytes: after"));
}

TEST_CASE(
    "queue: made unreadable from outside, the daemon says so and recovers when it is mended") {
    const DaemonProcess daemon(sending_group);
    REQUIRE(daemon.start().exit_code == 0);
    myq::QueueSettings shut;
    shut.mode = 0;
    daemon.queue().set(shut);
    daemon.send(1, "through a closed door");  // root may
    CHECK(daemon.logged("type 1, 21 bytes: through a closed door"));
    CHECK(eventually([&] { return daemon.queue().stat().mode == 0620; }));
}

}  // TEST_SUITE("queue")
