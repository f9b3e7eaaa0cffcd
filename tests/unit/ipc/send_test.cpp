#include "ipc/message_queue.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <limits>
#include <string>

TEST_SUITE("send") {

using namespace myq;
using namespace myq::test;

namespace {

// The sentence of the IpcError that `action` throws, with its errno before it.
template <typename Action>
std::string error_of(Action action) {
    try {
        action();
    } catch (const IpcError& e) {
        return std::to_string(e.error()) + " " + e.what();
    }
    return "nothing was thrown";
}

std::string send_error_of(const MessageQueue& queue, std::int64_t type, const std::string& body) {
    return error_of([&] { std::ignore = queue.send(type, bytes(body), Wait::no); });
}

void fill(const MessageQueue& queue) {
    while (queue.send(1, bytes(std::string(1024, 'x')), Wait::no) == SendStatus::sent)
        continue;
}

}  // namespace

TEST_CASE("What is sent is received, byte for byte, up to the largest body and type") {
    const ScratchQueue queue;
    const std::string every_byte = [] {
        std::string all;
        for (int byte = 0; byte < 256; ++byte)
            all += static_cast<char>(byte);
        return all;
    }();
    const std::int64_t largest_type = std::numeric_limits<std::int64_t>::max();
    for (const std::string& body : {std::string(), std::string(1, '\0'), std::string("hello"),
                                    every_byte, std::string(largest_body(), 'x')}) {
        for (const std::int64_t type : {std::int64_t{1}, std::int64_t{1} << 40, largest_type}) {
            REQUIRE(queue.send(type, bytes(body)) == SendStatus::sent);
            const auto message = queue.receive(largest_body(), Selector::any(), Wait::no);
            REQUIRE(message);
            CHECK(message->type == type);
            CHECK(text(message->body) == body);
            CHECK(!message->truncated);
        }
    }
}

TEST_CASE("A type that is not positive is told apart from a body that is too large") {
    const ScratchQueue queue;
    CHECK(send_error_of(queue, 0, "x") ==
          "22 msgsnd " + queue.name() + ": type 0 is not positive; use 1 to 9223372036854775807");
    CHECK(send_error_of(queue, -7, "x").find("type -7 is not positive") != std::string::npos);
    CHECK(send_error_of(queue, 1, std::string(largest_body() + 1, 'x')) ==
          "22 msgsnd " + queue.name() +
              ": a body of 8193 bytes is longer than kernel.msgmax, 8192; send less, or raise it: "
              "sysctl -w kernel.msgmax=8193");
    CHECK(queue.stat().messages == 0);
}

TEST_CASE("Sending to a removed queue says so and nothing else") {
    const ScratchQueue queue;
    queue.remove();
    CHECK(send_error_of(queue, 1, "x") == std::to_string(EIDRM) + " msgsnd " + queue.name() + ": " +
                                              explain(IpcCall::msgsnd, EIDRM));
}

TEST_CASE("A full queue is a status, by bytes and by number of messages") {
    const ScratchQueue queue;
    fill(queue);
    CHECK(queue.stat().bytes == 16384);
    CHECK(queue.send(1, bytes("x"), Wait::no) == SendStatus::full);
    CHECK(queue.send(1, {}, Wait::no) == SendStatus::sent);

    const ScratchQueue empty_ones;
    empty_ones.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 3});
    for (int i = 0; i < 3; ++i)
        CHECK(empty_ones.send(1, {}, Wait::no) == SendStatus::sent);
    CHECK(empty_ones.send(1, {}, Wait::no) == SendStatus::full);
}

TEST_CASE("A sender that waits goes on when there is room") {
    const ScratchQueue queue;
    fill(queue);
    const pid_t sender =
        fork_child([&] { return queue.send(2, bytes("late")) == SendStatus::sent ? 0 : 1; });
    REQUIRE(blocks_in(sender, SYS_msgsnd));
    REQUIRE(queue.receive(largest_body(), Selector::any(), Wait::no));
    CHECK(wait_for(sender) == 0);
    CHECK(queue.receive(largest_body(), Selector::only(2), Wait::no));
}

TEST_CASE("A queue removed under a waiting sender is said to be removed") {
    const ScratchQueue queue;
    fill(queue);
    const pid_t sender = fork_child([&] {
        try {
            std::ignore = queue.send(1, bytes("late"));
        } catch (const IpcError& e) {
            return e.error() == EIDRM ? 0 : 2;
        }
        return 1;
    });
    REQUIRE(blocks_in(sender, SYS_msgsnd));
    queue.remove();
    CHECK(wait_for(sender) == 0);
}

TEST_CASE("A signal while waiting for room is a status") {
    const ScratchQueue queue;
    fill(queue);
    const pid_t sender = fork_child([&] {
        std::signal(SIGUSR1, [](int) {});  // SA_RESTART, which msgsnd disregards
        return queue.send(1, bytes("late")) == SendStatus::interrupted ? 0 : 1;
    });
    REQUIRE(blocks_in(sender, SYS_msgsnd));
    kill(sender, SIGUSR1);
    CHECK(wait_for(sender) == 0);
}

TEST_CASE("Who may only write can open the queue and send, but not receive or look") {
    const ScratchQueue queue(MessageQueue::create(QueueKey::from_text("0x5e4d"), 0602));
    CHECK(as_nobody([] {
              const MessageQueue same = MessageQueue::open(QueueKey::from_text("0x5e4d"));
              if (same.send(1, bytes("x"), Wait::no) != SendStatus::sent) return 1;
              if (!error_of([&] {
                       same.receive(8, Selector::any(), Wait::no);
                   }).starts_with("13 msgrcv queue 0x00005e4d: no permission to receive")) {
                  return 2;
              }
              if (!error_of([&] { same.stat(); }).starts_with("13 msgctl")) return 3;
              if (same.stat_any().messages != 1) return 4;
              return 0;
          }) == 0);
}

TEST_CASE("Who may not write is told so") {
    const ScratchQueue queue(MessageQueue::create(QueueKey::from_text("0x5e4d"), 0604));
    CHECK(as_nobody([] {
              const MessageQueue same = MessageQueue::open(QueueKey::from_text("0x5e4d"));
              return send_error_of(same, 1, "x")
                             .starts_with("13 msgsnd queue 0x00005e4d: no permission to send")
                         ? 0
                         : 1;
          }) == 0);
}

}  // TEST_SUITE("send")
