#include "ipc/message_queue.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <climits>
#include <doctest/doctest.h>

#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

TEST_SUITE("queue_control") {

using namespace myq;
using namespace myq::test;

namespace {

std::string set_error(const MessageQueue& queue, const QueueSettings& settings) {
    try {
        queue.set(settings);
    } catch (const IpcError& e) {
        return std::to_string(e.error()) + " " + e.what();
    }
    return "accepted";
}

void same(const QueueStat& one, const QueueStat& two) {
    CHECK(one.id == two.id);
    CHECK(one.key == two.key);
    CHECK(one.uid == two.uid);
    CHECK(one.gid == two.gid);
    CHECK(one.creator_uid == two.creator_uid);
    CHECK(one.creator_gid == two.creator_gid);
    CHECK(one.mode == two.mode);
    CHECK(one.messages == two.messages);
    CHECK(one.bytes == two.bytes);
    CHECK(one.capacity == two.capacity);
    CHECK(one.last_send_pid == two.last_send_pid);
    CHECK(one.last_receive_pid == two.last_receive_pid);
    CHECK(one.last_send_time == two.last_send_time);
    CHECK(one.last_receive_time == two.last_receive_time);
    CHECK(one.change_time == two.change_time);
}

}  // namespace

TEST_CASE("stat shows every field of the queue, and so does stat_any without permission") {
    const std::time_t before = std::time(nullptr);
    const ScratchQueue queue(MessageQueue::create(QueueKey::from_text("0x5e4e"), 0620));
    queue.set({.uid = 950, .gid = 951, .mode = {}, .capacity = {}});
    const QueueStat fresh = queue.stat();
    CHECK(fresh.id == queue.id());
    CHECK(fresh.key == 0x5e4e);
    CHECK(fresh.uid == 950);
    CHECK(fresh.gid == 951);
    CHECK(fresh.creator_uid == 0);
    CHECK(fresh.creator_gid == 0);
    CHECK(fresh.mode == 0620);
    CHECK(fresh.messages == 0);
    CHECK(fresh.bytes == 0);
    CHECK(fresh.capacity == 16384);
    CHECK(fresh.last_send_pid == 0);
    CHECK(fresh.last_receive_pid == 0);
    CHECK(fresh.last_send_time == 0);
    CHECK(fresh.last_receive_time == 0);
    CHECK(fresh.change_time >= before);

    REQUIRE(queue.send(1, bytes("12345")) == SendStatus::sent);
    REQUIRE(queue.send(1, bytes("123")) == SendStatus::sent);
    CHECK(in_child([&] {
              queue.receive(8, Selector::any(), Wait::no);
              return 0;
          }) == 0);
    const QueueStat used = queue.stat();
    CHECK(used.messages == 1);
    CHECK(used.bytes == 3);
    CHECK(used.last_send_pid == getpid());
    CHECK(used.last_receive_pid > 0);
    CHECK(used.last_receive_pid != getpid());
    CHECK(used.last_send_time >= before);
    CHECK(used.last_receive_time >= before);
    same(used, queue.stat_any());
}

TEST_CASE("The list holds every queue, also those that this user may not read") {
    CHECK(MessageQueue::list().empty());
    std::vector<std::unique_ptr<ScratchQueue>> queues;
    for (int i = 0; i < 5; ++i)
        queues.push_back(std::make_unique<ScratchQueue>(0600));
    queues[1].reset();  // a hole below the highest index
    queues[3].reset();
    REQUIRE(queues[4]->send(1, bytes("12")) == SendStatus::sent);
    CHECK(as_nobody([&] {
              const std::vector<QueueStat> list = MessageQueue::list();
              if (list.size() != 3) return 1;
              if (list[0].id != queues[0]->id() || list[1].id != queues[2]->id()) return 2;
              if (list[2].id != queues[4]->id() || list[2].bytes != 2) return 3;
              return 0;
          }) == 0);
}

TEST_CASE("set changes what is named and leaves the rest") {
    const ScratchQueue queue(0640);
    queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 4096});
    CHECK(queue.stat().capacity == 4096);
    CHECK(queue.stat().mode == 0640);
    queue.set({.uid = 950, .gid = {}, .mode = 0600, .capacity = {}});
    CHECK(queue.stat().uid == 950);
    CHECK(queue.stat().gid == 0);
    CHECK(queue.stat().mode == 0600);
    CHECK(queue.stat().capacity == 4096);
    queue.set({.uid = 0, .gid = 951, .mode = 0, .capacity = 0});
    CHECK(queue.stat_any().gid == 951);
    CHECK(queue.stat_any().mode == 0);
    CHECK(queue.stat_any().capacity == 0);
}

TEST_CASE("An owner repairs a mode that shuts him out") {
    CHECK(as_nobody([] {
              const ScratchQueue queue(0232);  // what PHP's string '0666' becomes
              queue.set({.uid = {}, .gid = {}, .mode = 0666, .capacity = {}});
              return queue.stat().mode == 0666 ? 0 : 1;
          }) == 0);
}

TEST_CASE("Values that the kernel would bend are refused") {
    const ScratchQueue queue;
    CHECK(set_error(queue, {.uid = {}, .gid = {}, .mode = {}, .capacity = (1ULL << 32U) + 1}) ==
          "22 msgctl " + queue.name() +
              ": a capacity of 4294967297 bytes is more than the kernel can keep; use at most "
              "2147483647");
    CHECK(set_error(queue, {.uid = {}, .gid = {}, .mode = 01777, .capacity = {}})
              .find("nine permission bits") != std::string::npos);
    CHECK(set_error(queue, {.uid = static_cast<uid_t>(-1), .gid = {}, .mode = {}, .capacity = {}})
              .find("uid -1") != std::string::npos);
    CHECK(set_error(queue, {.uid = {}, .gid = static_cast<gid_t>(-1), .mode = {}, .capacity = {}})
              .find("gid -1") != std::string::npos);
    CHECK(queue.stat().capacity == 16384);
}

// The capability CAP_SYS_RESOURCE counts in the first user namespace only, so even root lacks it
// in containers; nobody lacks it everywhere.
TEST_CASE("A capacity above kernel.msgmnb is refused with both numbers and the command") {
    CHECK(as_nobody([] {
              const ScratchQueue queue;
              return set_error(queue, {.uid = {}, .gid = {}, .mode = 0666, .capacity = 16385}) ==
                                 "1 msgctl " + queue.name() +
                                     ": a capacity of 16385 bytes is above kernel.msgmnb, 16384, "
                                     "and this process has no CAP_SYS_RESOURCE; ask for less, or "
                                     "raise the limit: sysctl -w kernel.msgmnb=16385" &&
                             queue.stat().mode == 0600
                         ? 0
                         : 1;
          }) == 0);
    std::ofstream("/proc/sys/kernel/msgmnb") << "65536\n";
    CHECK(as_nobody([] {
              const ScratchQueue queue;
              queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 65536});
              return queue.stat().capacity == 65536 ? 0 : 1;
          }) == 0);
}

TEST_CASE("A capacity that lies above a lowered msgmnb stands in the way of every change") {
    const ScratchQueue queue;
    queue.set({.uid = 65534, .gid = {}, .mode = {}, .capacity = {}});
    std::ofstream("/proc/sys/kernel/msgmnb") << "8192\n";
    CHECK(as_nobody([&] {
              return set_error(queue, {.uid = {}, .gid = {}, .mode = 0666, .capacity = {}})
                                 .find("its capacity, which would stay 16384 bytes, is above "
                                       "kernel.msgmnb, 8192") != std::string::npos
                         ? 0
                         : 1;
          }) == 0);
}

TEST_CASE("Who is neither owner nor creator may not change or remove the queue") {
    const ScratchQueue queue(0666);
    queue.set({.uid = 950, .gid = {}, .mode = {}, .capacity = {}});
    CHECK(as_nobody([&] {
              if (set_error(queue, {.uid = {}, .gid = {}, .mode = 0600, .capacity = {}}) !=
                  "1 msgctl " + queue.name() +
                      ": only its owner, uid 950, its creator, uid 0, and root may change it; be "
                      "one of them") {
                  return 1;
              }
              try {
                  queue.remove();
              } catch (const IpcError& e) {
                  return e.error() == EPERM ? 0 : 2;
              }
              return 3;
          }) == 0);
    CHECK(queue.stat().mode == 0666);
}

TEST_CASE("A removed queue is gone for every call") {
    const ScratchQueue queue;
    queue.remove();
    for (const auto& call : std::vector<void (*)(const MessageQueue&)>{
             [](const MessageQueue& gone) { gone.stat(); },
             [](const MessageQueue& gone) { gone.stat_any(); },
             [](const MessageQueue& gone) { gone.set({}); },
             [](const MessageQueue& gone) { gone.remove(); }}) {
        CHECK_THROWS_WITH_AS(call(queue), doctest::Contains("the queue was removed"), IpcError);
    }
    CHECK(MessageQueue::list().empty());
}

TEST_CASE("The largest body is what the kernel says now") {
    CHECK(largest_body() == 8192);
    std::ofstream("/proc/sys/kernel/msgmax") << "12345\n";
    CHECK(largest_body() == 12345);
}

}  // TEST_SUITE("queue_control")
