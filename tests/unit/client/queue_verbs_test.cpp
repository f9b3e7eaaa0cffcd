// create, set, remove and ftok.
#include "ipc/message_queue.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <string>

TEST_SUITE("queue_verbs") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797101");

}  // namespace

TEST_CASE("create makes a queue as it was asked to and prints its id") {
    const Outcome outcome = test::myq({"create", "--key", "0x6d797101", "--mode", "0640", "--user",
                                       "myq", "--group", "951", "--capacity", "8KiB"});
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    const ScratchQueue queue(MessageQueue::open(key));
    CHECK(outcome.out == std::to_string(queue.id()) + "\n");
    const QueueStat stat = queue.stat();
    CHECK(stat.mode == 0640);
    CHECK(stat.uid == 950);
    CHECK(stat.gid == 951);
    CHECK(stat.capacity == 8192);

    check_myq({"create", "--key", "0x6d797101"}, 73, "",
              "myq: queue 0x6d797101: it exists already: look at it with myq stat --key "
              "0x6d797101, or choose another key\n");
}

TEST_CASE("A created queue has mode 0620 unless told otherwise") {
    CHECK(test::myq({"create", "--key", "0x6d797101"}).status == 0);
    const ScratchQueue queue(MessageQueue::open(key));
    CHECK(queue.stat().mode == 0620);
}

TEST_CASE("What create cannot finish leaves no queue behind") {
    check_myq({"create", "--key", "0x6d797101", "--capacity", "1MiB"}, 77, "",
              "myq: msgctl queue 0x6d797101: a capacity of 1048576 bytes is above kernel.msgmnb, "
              "16384, and this process has no CAP_SYS_RESOURCE: ask for less, or raise the limit: "
              "sysctl -w kernel.msgmnb=1048576\n",
              {.nobody = true});
    CHECK(!MessageQueue::exists(key));
    CHECK(test::myq({"create", "--key", "0x6d797101", "--user", "nosuch"}).status == 64);
    CHECK(!MessageQueue::exists(key));
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CHECK(test::myq({"create", "--key", "0x6d797101"}, {.out = full}).status == 71);
    close(full);
    CHECK(!MessageQueue::exists(key));
}

TEST_CASE("set changes what is named, by name or number, and leaves the rest") {
    const TestConfig config;
    const ScratchQueue queue(MessageQueue::create(key, 0600));
    check_myq({"set", "jobs", "--mode", "666"}, 0, "", "");
    CHECK(queue.stat().mode == 0666);
    check_myq({"set", "jobs", "--user", "myq", "--group", "myq-send"}, 0, "", "");
    CHECK(queue.stat().uid == 950);
    CHECK(queue.stat().gid == 951);
    CHECK(queue.stat().mode == 0666);
    check_myq({"set", "jobs", "--user", "0", "--capacity", "4KiB"}, 0, "", "");
    CHECK(queue.stat().uid == 0);
    CHECK(queue.stat().gid == 951);
    CHECK(queue.stat().capacity == 4096);
    check_myq({"set", "jobs", "--mode", "0600"}, 77, "",
              "myq: msgctl queue jobs: only its owner, uid 0, its creator, uid 0, and root may "
              "change it: be one of them\n",
              {.nobody = true});
}

TEST_CASE("remove takes an empty queue, and a full one only by force, and says what was in it") {
    const TestConfig config;
    const ScratchQueue queue(MessageQueue::create(key, 0600));
    REQUIRE(queue.send(1, bytes("12345")) == SendStatus::sent);
    check_myq({"remove", "jobs"}, 65, "",
              "myq: jobs: it still holds 1 message, 5 bytes: take them out first (myq recv), or "
              "remove it with all: --force\n");
    CHECK(queue.stat().messages == 1);
    check_myq({"remove", "jobs", "--force"}, 0, "jobs: removed with 1 message, 5 bytes\n", "");
    CHECK(!MessageQueue::exists(key));
    CHECK(test::myq({"create", "--key", "0x6d797101"}).status == 0);
    check_myq({"remove", "jobs"}, 0, "jobs: removed with 0 messages, 0 bytes\n", "");
    CHECK(test::myq({"remove", "jobs"}).status == 69);
}

TEST_CASE("ftok prints the key that QueueKey::from_path has") {
    const QueueKey expected = QueueKey::from_path("/etc/passwd", "A");
    check_myq({"ftok", "/etc/passwd", "A"}, 0, expected.text() + "\n", "");
    check_myq({"ftok", "/etc/passwd", "A", "--json"}, 0,
              "{\"key\":" + std::to_string(expected.value()) + ",\"text\":\"" + expected.text() +
                  "\"}\n",
              "");
    check_myq({"ftok", "/nowhere", "A"}, 66, "",
              "myq: cannot make a key with ftok from '/nowhere': No such file or directory\n");
    check_myq({"ftok", "/etc/passwd", "AB"}, 64, "",
              "myq: project 'AB': 2 bytes long: ftok takes exactly one, such as 'A'\n");
}

}  // TEST_SUITE("queue_verbs")
