#include "ipc/reply_queue.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"
#include "tests/unit/ipc/user_process.hpp"

#include <doctest/doctest.h>

#include <sched.h>
#include <signal.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <tuple>

TEST_SUITE("reply_queue") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

constexpr uid_t daemon_user = 950;
constexpr uid_t asker = 951;
constexpr auto never = std::chrono::hours{24 * 365};

bool exists(int id) {
    msqid_ds ds{};
    return msgctl(id, IPC_STAT, &ds) == 0;
}

int make_reply_queue(const auto& tell) {
    const ReplyQueue queue(daemon_user);
    tell(queue.id());
    return 0;
}

// Given to the daemon but never received from: whose it is cannot be told.
int make_unsigned(const auto& tell) {
    const int id = msgget(IPC_PRIVATE, 0600);
    MessageQueue::from_id(id).set({.uid = daemon_user, .gid = {}, .mode = {}, .capacity = {}});
    tell(id);
    return 0;
}

int removed_by_daemon(std::chrono::seconds age) {
    return as_user(daemon_user, [&] { return remove_orphaned_reply_queues(daemon_user, age); });
}

}  // namespace

TEST_CASE("A reply queue is private, given to the daemon, and signed by who made it") {
    CHECK(as_user(asker, [] {
              int id = -1;
              {
                  const ReplyQueue queue(daemon_user);
                  id = queue.id();
                  const QueueStat stat = MessageQueue::from_id(id).stat();
                  MUST(stat.key == IPC_PRIVATE);
                  MUST(stat.uid == daemon_user);
                  MUST(stat.creator_uid == asker);
                  MUST(stat.mode == 0600);
                  MUST(stat.messages == 1);  // the proof
                  MUST(stat.last_receive_pid == getpid());
                  MUST(queue.token() > 0);
                  MUST(queue.token() != ReplyQueue(daemon_user).token());
                  MUST(!queue.receive(Wait::no));
              }
              MUST(!exists(id));
              return 0;
          }) == 0);
}

TEST_CASE("A reply queue that cannot be given away is not left behind") {
    CHECK_THROWS_AS(ReplyQueue(static_cast<uid_t>(-1)), IpcError);
    CHECK(MessageQueue::list().empty());
}

TEST_CASE("The daemon answers and the asker receives") {
    const ReplyQueue queue(daemon_user);
    CHECK(as_user(daemon_user, [&] {
              MUST(send_reply(queue.id(), daemon_user, queue.token(), bytes("one")) ==
                   ReplyStatus::sent);
              MUST(send_reply(queue.id(), daemon_user, queue.token(), {}) == ReplyStatus::sent);
              return 0;
          }) == 0);
    const auto answer = queue.receive(Wait::yes);
    REQUIRE(answer);
    CHECK(answer->type == queue.token());
    CHECK(text(answer->body) == "one");
    CHECK(queue.receive(Wait::yes));
    CHECK(!queue.receive(Wait::no));
}

TEST_CASE("An answer that must leave room for others is sent only where that room is") {
    CHECK(as_user(asker, [] {
              const ReplyQueue queue(geteuid());
              MessageQueue::from_id(queue.id())
                  .set({.uid = {}, .gid = {}, .mode = {}, .capacity = 100});
              const auto send = [&](std::size_t size, Spare spare) {
                  return send_reply(queue.id(), geteuid(), queue.token(),
                                    bytes(std::string(size, 'x')), spare);
              };
              MUST(send(40, {.bytes = 61, .messages = 1}) == ReplyStatus::full);
              MUST(send(0, {.bytes = 0, .messages = 99}) == ReplyStatus::full);
              MUST(send(40, {.bytes = 60, .messages = 98}) == ReplyStatus::sent);
              MUST(send(61, {}) == ReplyStatus::full);
              MUST(send(60, {}) == ReplyStatus::sent);
              MUST(MessageQueue::from_id(queue.id()).stat().messages == 3);
              return 0;
          }) == 0);
}

TEST_CASE("An asker that waits is woken by the answer") {
    const ReplyQueue queue(daemon_user);
    const pid_t self = getpid();
    const pid_t daemon = fork_child([&] {
        if (!blocks_in(self, SYS_msgrcv)) return 1;
        return send_reply(queue.id(), daemon_user, queue.token(), bytes("x")) == ReplyStatus::sent
                   ? 0
                   : 2;
    });
    CHECK(queue.receive(Wait::yes));
    CHECK(wait_for(daemon) == 0);
}

TEST_CASE("Who names somebody else's queue without its token gets nothing written there") {
    const ReplyQueue queue(daemon_user);
    ReplySender sender(daemon_user);
    for (const std::int64_t other : {queue.token() == 7 ? 8 : std::int64_t{7}, queue.token() + 1,
                                     std::numeric_limits<std::int64_t>::max()}) {
        CHECK(sender.send(queue.id(), other, bytes("forged")) == ReplyStatus::untrusted);
        CHECK(!maker_of_reply_queue(queue.id(), daemon_user, other));
        // Also where it was believed a moment ago.
        REQUIRE(sender.send(queue.id(), queue.token(), bytes("ours")) == ReplyStatus::sent);
        CHECK(sender.send(queue.id(), other, bytes("forged")) == ReplyStatus::untrusted);
        CHECK(text(queue.receive(Wait::no)->body) == "ours");
        CHECK(!queue.receive(Wait::no));
    }
    CHECK(maker_of_reply_queue(queue.id(), daemon_user, queue.token()) == ::geteuid());
}

TEST_CASE("A queue that proves nothing is not answered on, whoever made it") {
    const auto stays_as_it_is = [](const MessageQueue& queue) {
        const std::uint64_t before = queue.stat_any().messages;
        MUST(send_reply(queue.id(), daemon_user, 7, bytes("x")) == ReplyStatus::untrusted);
        MUST(!maker_of_reply_queue(queue.id(), daemon_user, 7));
        MUST(queue.stat_any().messages == before);
        return 0;
    };
    for (const uid_t maker : {asker, daemon_user}) {
        CHECK(as_user(maker, [&] {
                  const ScratchQueue queue;
                  std::ignore = queue.send(9, bytes("of another program"), Wait::no);
                  std::ignore = queue.send(8, {}, Wait::no);  // not the first
                  queue.set({.uid = daemon_user, .gid = {}, .mode = 0600, .capacity = {}});
                  return stays_as_it_is(queue);
              }) == 0);
    }
    const ScratchQueue with_body;
    std::ignore = with_body.send(8, bytes("x"), Wait::no);
    with_body.set({.uid = daemon_user, .gid = {}, .mode = 0600, .capacity = {}});
    CHECK(stays_as_it_is(with_body) == 0);
}

TEST_CASE("A daemon of the asker's own user answers too") {
    CHECK(as_nobody([] {
              const ReplyQueue queue(geteuid());
              MUST(send_reply(queue.id(), geteuid(), queue.token(), bytes("x")) ==
                   ReplyStatus::sent);
              MUST(queue.receive(Wait::no));
              return 0;
          }) == 0);
}

TEST_CASE("What is longer than an answer may be when the queue was made is thrown away") {
    std::ofstream("/proc/sys/kernel/msgmax") << 1000;
    const ReplyQueue queue(geteuid());
    std::ofstream("/proc/sys/kernel/msgmax") << 2000;
    for (const std::size_t size : {1000U, 1001U, 1U})
        REQUIRE(send_reply(queue.id(), geteuid(), queue.token(), bytes(std::string(size, 'x'))) ==
                ReplyStatus::sent);
    CHECK(queue.receive(Wait::no)->body.size() == 1000);
    CHECK(queue.receive(Wait::no)->body.size() == 1);
}

TEST_CASE("Nothing is sent to a queue that was not made to be answered on") {
    const auto refused = [](const MessageQueue& queue, uid_t sender) {
        const std::uint64_t before = queue.stat_any().messages;
        const int result = as_user(sender, [&] {
            return static_cast<int>(send_reply(queue.id(), daemon_user, 7, bytes("x")));
        });
        return result == static_cast<int>(ReplyStatus::untrusted) &&
               queue.stat_any().messages == before;
    };
    const auto given = [](const MessageQueue& queue, uid_t uid, mode_t mode) {
        queue.set({.uid = uid, .gid = {}, .mode = mode, .capacity = {}});
    };
    // root may write to all of them, the daemon's user to most.
    for (const uid_t sender : {uid_t{0}, daemon_user}) {
        const ScratchQueue with_key(MessageQueue::create(QueueKey::from_text("0x5e4e"), 0600));
        given(with_key, daemon_user, 0600);
        CHECK(refused(with_key, sender));
        const ScratchQueue somebody_elses;
        given(somebody_elses, asker, 0600);
        CHECK(refused(somebody_elses, sender));
        given(somebody_elses, asker, 0666);
        CHECK(refused(somebody_elses, sender));
        const ScratchQueue open_to_others;
        for (const mode_t mode : {0620U, 0602U, 0640U, 0604U, 0400U, 0200U, 0U, 0666U}) {
            given(open_to_others, daemon_user, mode);
            CAPTURE(mode);
            CHECK(refused(open_to_others, sender));
        }
        given(open_to_others, daemon_user, 0600);
        CHECK(refused(open_to_others, sender));  // it proves nothing
        REQUIRE(open_to_others.send(8, {}, Wait::no) == SendStatus::sent);
        CHECK(!refused(open_to_others, sender));
        CHECK(send_reply(open_to_others.id(), daemon_user, 0, {}) == ReplyStatus::untrusted);
        CHECK(send_reply(open_to_others.id(), daemon_user, -7, {}) == ReplyStatus::untrusted);
    }
}

TEST_CASE("What a queue was found to be is believed of no other queue, and not for long") {
    const ReplyQueue queue(daemon_user);
    const ScratchQueue other;
    ReplySender sender(daemon_user);
    REQUIRE(sender.send(queue.id(), queue.token(), bytes("x")) == ReplyStatus::sent);
    CHECK(sender.send(other.id(), 7, bytes("x")) == ReplyStatus::untrusted);
    CHECK(other.stat_any().messages == 0);
    REQUIRE(sender.send(queue.id(), queue.token(), bytes("x")) == ReplyStatus::sent);
    CHECK(sender.send(queue.id(), 0, bytes("x")) == ReplyStatus::untrusted);
    MessageQueue::from_id(queue.id()).set({.uid = {}, .gid = {}, .mode = 0666, .capacity = {}});
    ReplyStatus status = ReplyStatus::sent;
    while (status == ReplyStatus::sent) {
        status = sender.send(queue.id(), queue.token(), bytes("x"));
        queue.receive(Wait::no);
    }
    CHECK(status == ReplyStatus::untrusted);
}

TEST_CASE("An asker that is gone, or never was, harms nobody") {
    std::optional<ReplyQueue> queue(std::in_place, daemon_user);
    const int id = queue->id();
    const std::int64_t token = queue->token();
    queue.reset();
    CHECK(send_reply(id, daemon_user, token, bytes("x")) == ReplyStatus::gone);
    CHECK(send_reply(-1, daemon_user, token, bytes("x")) == ReplyStatus::gone);
    CHECK(send_reply(2'000'000'000, daemon_user, token, bytes("x")) == ReplyStatus::gone);
}

TEST_CASE("The daemon does not wait for an asker that does not read") {
    const ReplyQueue queue(daemon_user);
    const std::string body(4000, 'x');
    for (int i = 0; i < 4; ++i)
        REQUIRE(send_reply(queue.id(), daemon_user, queue.token(), bytes(body)) ==
                ReplyStatus::sent);
    CHECK(send_reply(queue.id(), daemon_user, queue.token(), bytes(body)) == ReplyStatus::full);
    CHECK(queue.receive(Wait::no));
    CHECK(send_reply(queue.id(), daemon_user, queue.token(), bytes(body)) == ReplyStatus::sent);
}

TEST_CASE("Answers up to the kernel's largest arrive whole") {
    // Where the buffer on the stack ends, and beyond.
    std::ofstream("/proc/sys/kernel/msgmax") << 20000;
    std::ofstream("/proc/sys/kernel/msgmnb") << 40000;
    const ReplyQueue queue(daemon_user);
    for (const std::size_t size : {8191U, 8192U, 8193U, 20000U}) {
        std::string body(size, 'x');
        body.back() = 'y';
        CAPTURE(size);
        REQUIRE(send_reply(queue.id(), daemon_user, queue.token(), bytes(body)) ==
                ReplyStatus::sent);
        const auto answer = queue.receive(Wait::no);
        REQUIRE(answer);
        CHECK(text(answer->body) == body);
    }
}

TEST_CASE("The queue of a maker that was killed is removed, and that of one who lives is not") {
    Maker dead(asker, [](const auto& tell) { return make_reply_queue(tell); });
    Maker alive(asker, [](const auto& tell) { return make_reply_queue(tell); });
    CHECK(removed_by_daemon(0s) == 0);
    REQUIRE(MessageQueue::from_id(dead.id()).send(7, bytes("unread"), Wait::no) ==
            SendStatus::sent);
    dead.kill();
    CHECK(removed_by_daemon(never) == 1);
    CHECK(!exists(dead.id()));
    CHECK(exists(alive.id()));
    CHECK(removed_by_daemon(0s) == 0);
}

TEST_CASE("Of a queue that nobody signed only its age tells") {
    Maker maker(asker, [](const auto& tell) { return make_unsigned(tell); });
    maker.kill();
    CHECK(removed_by_daemon(1h) == 0);
    CHECK(exists(maker.id()));
    CHECK(removed_by_daemon(0s) == 1);
    CHECK(!exists(maker.id()));
}

TEST_CASE("A maker that the daemon cannot see is not taken for dead") {
    const Maker maker(asker, [](const auto& tell) { return make_reply_queue(tell); });
    CHECK(in_child([] {
              MUST(unshare(CLONE_NEWPID) == 0);
              return in_child([] {
                  MUST(getpid() == 1);
                  return remove_orphaned_reply_queues(daemon_user, 1h);
              });
          }) == 0);
    CHECK(exists(maker.id()));
}

TEST_CASE("A queue that is for something else is never removed") {
    // Each made by a process that is gone, and last received from by it.
    const auto made_by = [](uid_t creator, key_t key, uid_t uid, mode_t mode) {
        const auto make = [&](const auto& tell) {
            const int id = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
            const MessageQueue queue = MessageQueue::from_id(id);
            std::ignore = queue.send(1, {}, Wait::no);
            std::ignore = queue.receive(0, Selector::any(), Wait::no);
            queue.set({.uid = uid, .gid = {}, .mode = mode, .capacity = {}});
            tell(id);
            return 0;
        };
        Maker maker(creator, make);
        maker.kill();
        return maker.id();
    };
    const int orphan = made_by(asker, IPC_PRIVATE, daemon_user, 0600);
    const int with_key = made_by(asker, 0x5e4e, daemon_user, 0600);
    const int not_ours = made_by(asker, IPC_PRIVATE, asker, 0600);
    const int open_to_others = made_by(asker, IPC_PRIVATE, daemon_user, 0620);
    const int of_our_user = made_by(daemon_user, IPC_PRIVATE, daemon_user, 0600);
    // root could remove each.
    CHECK(remove_orphaned_reply_queues(daemon_user, 1h) == 1);
    CHECK(!exists(orphan));
    CHECK(exists(of_our_user));
    CHECK(remove_orphaned_reply_queues(daemon_user, 0s) == 1);
    CHECK(!exists(of_our_user));
    CHECK(exists(with_key));
    CHECK(exists(not_ours));
    CHECK(exists(open_to_others));
}

TEST_CASE("What our own user's programs talk on stays while one of them lives") {
    // A parent sends, and the child that received from it last is gone.
    Maker parent(daemon_user, [](const auto& tell) {
        const int id = msgget(IPC_PRIVATE, 0600);
        const MessageQueue queue = MessageQueue::from_id(id);
        std::ignore = queue.send(1, {}, Wait::no);
        in_child([&] {
            queue.receive(0, Selector::any(), Wait::no);
            return 0;
        });
        tell(id);
        return 0;
    });
    // Never used: for a reason that nobody knows.
    const int unused = [] {
        Maker maker(daemon_user, [](const auto& tell) {
            tell(msgget(IPC_PRIVATE, 0600));
            return 0;
        });
        maker.kill();
        return maker.id();
    }();
    CHECK(removed_by_daemon(0s) == 0);
    parent.kill();
    CHECK(removed_by_daemon(1h) == 0);
    CHECK(removed_by_daemon(0s) == 1);
    CHECK(!exists(parent.id()));
    CHECK(exists(unused));
}

}  // TEST_SUITE("reply_queue")
