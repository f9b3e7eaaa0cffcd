#include "ipc/message_queue.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

TEST_SUITE("queue_open") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797199");

bool only_me(uid_t uid) {
    return uid == geteuid();
}

template <typename Action>
int errno_of(Action action) {
    try {
        action();
    } catch (const IpcError& e) {
        return e.error();
    }
    return 0;
}

}  // namespace

TEST_CASE("Opening a queue that is not there says what to do and makes none") {
    CHECK(!MessageQueue::exists(key));
    CHECK_THROWS_WITH_AS(
        MessageQueue::open(key),
        doctest::Contains("msgget queue 0x6d797199: there is no queue with this key; start"),
        IpcError);
    CHECK(MessageQueue::list().empty());
}

TEST_CASE("Looking for a private queue by key makes none") {
    CHECK(!MessageQueue::exists(QueueKey::private_queue()));
    CHECK(errno_of([] { MessageQueue::open(QueueKey::private_queue()); }) == ENOENT);
    CHECK(MessageQueue::list().empty());
}

TEST_CASE("A created queue has its mode, whatever the umask, and its key is taken") {
    const mode_t old = umask(0777);
    const ScratchQueue queue(MessageQueue::create(key, 0624));
    umask(old);
    CHECK(queue.stat().mode == 0624);
    CHECK(queue.stat().key == key.value());
    CHECK(queue.name() == "queue 0x6d797199");
    CHECK(MessageQueue::exists(key));
    CHECK(MessageQueue::open(key).id() == queue.id());
    CHECK(errno_of([] { MessageQueue::create(key, 0600); }) == EEXIST);
}

TEST_CASE("Two private queues are two queues") {
    const ScratchQueue one;
    const ScratchQueue two;
    CHECK(one.id() != two.id());
    CHECK(one.name() == "private queue " + std::to_string(one.id()));
}

TEST_CASE("The limit on queues is named when it is reached") {
    std::ofstream("/proc/sys/kernel/msgmni") << "1\n";
    const ScratchQueue first;
    CHECK_THROWS_WITH_AS(MessageQueue::create(key, 0600), doctest::Contains("kernel.msgmni"),
                         IpcError);
}

TEST_CASE("open_or_create makes a queue once and finds it again") {
    const auto made = MessageQueue::open_or_create(key, 0620, only_me);
    const ScratchQueue queue(made.queue);
    CHECK(made.created);
    CHECK(queue.stat().mode == 0620);
    const auto found = MessageQueue::open_or_create(key, 0666, only_me);
    CHECK(!found.created);
    CHECK(found.queue.id() == queue.id());
    CHECK(queue.stat().mode == 0620);
}

TEST_CASE("Somebody else's queue is refused, never adopted, and the sentence says how to get rid "
          "of it") {
    REQUIRE(as_nobody([] {
                MessageQueue::create(key, 0666);
                return 0;
            }) == 0);
    const ScratchQueue foreign(MessageQueue::open(key));
    const std::string id = std::to_string(foreign.id());
    try {
        MessageQueue::open_or_create(key, 0620, only_me);
        FAIL("adopted");
    } catch (const IpcError& e) {
        CHECK(e.error() == EPERM);
        CHECK(std::string(e.what()) ==
              "msgget queue 0x6d797199: queue 0x6d797199 (id " + id +
                  ") was created by uid 65534, mode 0666; it is not ours and is never adopted; "
                  "inspect: ipcs -q -i " +
                  id + "; remove: ipcrm -q " + id);
    }
    CHECK(foreign.stat().mode == 0666);

    // Taking the ownership does not make it ours: the creator stays.
    foreign.set({.uid = 0, .gid = 0, .mode = 0600, .capacity = {}});
    CHECK(errno_of([] { MessageQueue::open_or_create(key, 0620, only_me); }) == EPERM);

    const auto trusting =
        MessageQueue::open_or_create(key, 0620, [](uid_t uid) { return uid == 65534; });
    CHECK(trusting.queue.id() == foreign.id());
}

TEST_CASE("open_or_create survives a queue that comes and goes") {
    constexpr int rounds = 3000;
    const pid_t flicker = fork_child([] {
        for (int i = 0; i < rounds; ++i) {
            try {
                MessageQueue::open_or_create(key, 0600, only_me).queue.remove();
            } catch (const IpcError& e) {
                if (e.error() != EIDRM) return 1;  // the other one removed it first
            }
        }
        return 0;
    });
    for (int i = 0; i < rounds; ++i) {
        const int error =
            errno_of([] { MessageQueue::open_or_create(key, 0600, only_me).queue.remove(); });
        CHECK((error == 0 || error == EIDRM));
    }
    CHECK(wait_for(flicker) == 0);
    CHECK(MessageQueue::list().empty());
}

TEST_CASE("A queue is reached by its id, and an id that means nothing is said to be gone") {
    const ScratchQueue queue;
    const MessageQueue same = MessageQueue::from_id(queue.id());
    CHECK(same.name() == "queue with id " + std::to_string(queue.id()));
    REQUIRE(same.send(1, bytes("x")) == SendStatus::sent);
    CHECK(queue.stat().messages == 1);
    CHECK(MessageQueue::from_id(queue.id(), "mine").name() == "mine");

    for (const int id : {-1, 0x7fffffff, queue.id() + 32768}) {
        CAPTURE(id);
        CHECK(errno_of([&] { MessageQueue::from_id(id).stat(); }) == EIDRM);
        CHECK(errno_of([&] { MessageQueue::from_id(id).stat_any(); }) == EIDRM);
        CHECK(errno_of([&] { MessageQueue::from_id(id).remove(); }) == EIDRM);
        CHECK(errno_of([&] { MessageQueue::from_id(id).set({}); }) == EIDRM);
    }
}

}  // TEST_SUITE("queue_open")
