#include "daemon/queue_setup.hpp"
#include "tests/support/skip.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

TEST_SUITE("queue_setup") {

using namespace myq;
using namespace myq::test;

namespace {

const Identity service{"myq", "myq", 950, 950};
constexpr uid_t stranger = 65534;

QueueConfig jobs() {
    QueueConfig config;
    config.name = "jobs";
    config.key = QueueKey::from_text("0x6d797133");
    return config;
}

// Removes the queue when the test ends.
struct Tidy {
    ~Tidy() {
        if (MessageQueue::exists(jobs().key)) MessageQueue::open(jobs().key).remove();
    }
};

void make_by_stranger() {
    REQUIRE(as_nobody([] {
                MessageQueue::create(jobs().key, 0666);
                return 0;
            }) == 0);
}

gid_t group_of(const char* name) {
    return find_group(name);
}

// Runs `body` as the service's user does, without any privilege.
template <typename Body>
int as_service(Body body) {
    return in_child([&] {
        if (setgid(service.gid) != 0 || setuid(service.uid) != 0) return 99;
        return body();
    });
}

// Whether root has CAP_SYS_RESOURCE here; in some containers it has not.
bool may_exceed_limits() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("CapEff:")) {
            return (std::stoull(line.substr(8), nullptr, 16) >> 24 & 1) != 0;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("a queue that is not there is made as the config has it") {
    const Tidy tidy;
    QueueConfig config = jobs();
    config.group = "myq-send";
    config.mode = 0620;
    config.capacity = 12'345;
    const ReadyQueue ready = set_up_queue(config, service);
    CHECK(ready.created);
    CHECK(ready.remarks.empty());
    const QueueStat stat = ready.queue.stat_any();
    CHECK(stat.uid == 950);
    CHECK(stat.gid == group_of("myq-send"));
    CHECK(stat.mode == 0620);
    CHECK(stat.capacity == 12'345);
    CHECK(stat.creator_uid == 0);
}

TEST_CASE("without a group it is the service's, without a capacity the kernel's") {
    const Tidy tidy;
    const ReadyQueue ready = set_up_queue(jobs(), service);
    CHECK(ready.queue.stat_any().gid == 950);
    CHECK(ready.queue.stat_any().capacity == 16'384);
}

TEST_CASE("somebody else's queue is refused, by a check as by a start, and stays as it is") {
    const Tidy tidy;
    make_by_stranger();
    const auto refused =
        doctest::Contains("was created by uid 65534, mode 0666; it is not ours and "
                          "is never adopted");
    CHECK_THROWS_WITH_AS(set_up_queue(jobs(), service), refused, IpcError);
    CHECK_THROWS_WITH_AS(check_queue(jobs(), service), refused, IpcError);
    CHECK(MessageQueue::open(jobs().key).stat_any().uid == stranger);
    CHECK(MessageQueue::open(jobs().key).stat_any().mode == 0666);
}

TEST_CASE("a creator whom the config names is trusted") {
    const Tidy tidy;
    make_by_stranger();
    QueueConfig config = jobs();
    config.creators = {"games", "nobody"};
    CHECK_NOTHROW(check_queue(config, service));
    const ReadyQueue ready = set_up_queue(config, service);
    CHECK(!ready.created);
    CHECK(ready.queue.stat_any().uid == 950);
    CHECK(ready.queue.stat_any().mode == 0620);
}

TEST_CASE("the service's own queue is its own") {
    const Tidy tidy;
    REQUIRE(as_service([] {
                MessageQueue::create(jobs().key, 0600);
                return 0;
            }) == 0);
    CHECK_NOTHROW(set_up_queue(jobs(), service));
}

TEST_CASE("owner, group and mode that somebody changed are brought back, and a remark says so") {
    const Tidy tidy;
    const ReadyQueue first = set_up_queue(jobs(), service);
    first.queue.set({.uid = 7, .gid = 7, .mode = 0666, .capacity = {}});
    const ReadyQueue again = set_up_queue(jobs(), service);
    CHECK(!again.created);
    REQUIRE(again.remarks.size() == 1);
    CHECK(again.remarks[0] ==
          "queue jobs (0x6d797133): was uid 7 gid 7 mode 0666 capacity 16384, is uid 950 gid 950 "
          "mode 0620 capacity 16384");
    const QueueStat stat = again.queue.stat_any();
    CHECK(stat.uid == 950);
    CHECK(stat.gid == 950);
    CHECK(stat.mode == 0620);
}

TEST_CASE("where nothing differs nothing is changed or said") {
    const Tidy tidy;
    QueueConfig config = jobs();
    config.capacity = 5'000;
    set_up_queue(config, service);
    CHECK(set_up_queue(config, service).remarks.empty());
    // To nobody every change is forbidden, so none is tried.
    CHECK(as_nobody([&] { return set_up_queue(config, service).remarks.empty() ? 0 : 1; }) == 0);
}

TEST_CASE(
    "a capacity that the kernel does not grant becomes what it grants, and a remark says so") {
    const Tidy tidy;
    QueueConfig config = jobs();
    config.capacity = 1'000'000;
    const auto sets_up = [&] {
        const ReadyQueue ready = set_up_queue(config, service);
        if (ready.remarks !=
            std::vector<std::string>{
                "queue jobs: capacity 1000000 wanted, kernel.msgmnb is 16384 and CAP_SYS_RESOURCE "
                "is missing: using 16384; raise it with sysctl -w kernel.msgmnb=1000000"}) {
            return 2;
        }
        const QueueStat stat = ready.queue.stat_any();
        return stat.capacity == 16'384 && stat.uid == 950 && stat.mode == 0620 ? 0 : 3;
    };
    CHECK(as_service(sets_up) == 0);
    CHECK(as_service(sets_up) == 0);
    // The second time there was nothing left to change.
    CHECK(as_nobody(sets_up) == 0);
}

TEST_CASE("a queue that is above a limit that was lowered keeps working, at the limit") {
    const Tidy tidy;
    const ReadyQueue first = set_up_queue(jobs(), service);
    first.queue.set({.uid = {}, .gid = {}, .mode = 0600, .capacity = {}});
    std::ofstream("/proc/sys/kernel/msgmnb") << "8192\n";
    const int result = as_service([] {
        const QueueStat stat = set_up_queue(jobs(), service).queue.stat_any();
        return stat.mode == 0620 && stat.capacity == 8'192 ? 0 : 1;
    });
    std::ofstream("/proc/sys/kernel/msgmnb") << "16384\n";
    CHECK(result == 0);
}

TEST_CASE("with CAP_SYS_RESOURCE a capacity above the limit is had") {
    if (!may_exceed_limits()) skip("needs CAP_SYS_RESOURCE outside of any user namespace");
    const Tidy tidy;
    QueueConfig config = jobs();
    config.capacity = 1'000'000;
    const ReadyQueue ready = set_up_queue(config, service);
    CHECK(ready.remarks.empty());
    CHECK(ready.queue.stat_any().capacity == 1'000'000);
    // Its worker, who has it no more, finds nothing to do.
    CHECK(as_service([&] { return set_up_queue(config, service).remarks.empty() ? 0 : 1; }) == 0);
}

TEST_CASE("a check makes no queue, and finds groups and creators that do not exist") {
    CHECK_NOTHROW(check_queue(jobs(), service));
    CHECK(!MessageQueue::exists(jobs().key));
    QueueConfig config = jobs();
    config.group = "nogroup-of-ours";
    CHECK_THROWS_WITH_AS(check_queue(config, service),
                         "there is no group 'nogroup-of-ours'; make it with groupadd --system "
                         "nogroup-of-ours",
                         std::invalid_argument);
    config.group.clear();
    config.creators = {"nouser-of-ours"};
    CHECK_THROWS_WITH_AS(check_queue(config, service),
                         doctest::Contains("there is no user 'nouser-of-ours'"),
                         std::invalid_argument);
    CHECK(!MessageQueue::exists(jobs().key));
}

TEST_CASE("a group that does not exist leaves no queue behind that others could use") {
    const Tidy tidy;
    QueueConfig config = jobs();
    config.group = "nogroup-of-ours";
    config.mode = 0622;
    CHECK_THROWS_AS(set_up_queue(config, service), std::invalid_argument);
    if (MessageQueue::exists(config.key)) {
        CHECK(MessageQueue::open(config.key).stat_any().mode == 0600);
    }
}

}  // TEST_SUITE("queue_setup")
