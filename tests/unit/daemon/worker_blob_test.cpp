#include "tests/unit/daemon/blob_sender.hpp"
#include "tests/unit/daemon/worker_scene.hpp"

#include <doctest/doctest.h>

#include <sys/shm.h>

#include <string>

TEST_SUITE("worker_blob") {

// Bodies that are not in the slot: in shared memory, or in their row of the journal.
using namespace myq;
using namespace myq::test;

using Scene = WorkerScene;
using Cause = WorkerSeat::Cause;

namespace {

// The ledger reads a number: so it has all of the body, from the first byte to the last.
std::string long_body(const std::string& end, std::size_t size = 2'000'000) {
    return std::string(size - end.size(), '0') + end;
}

void receive_blob(const Scene& scene, const BlobSender& blob) {
    scene.killed([&](Slot& slot) { receive(slot, 7, blob.bytes()); });
}

JournalEntry broken(Scene& scene, const BlobSender& blob) {
    receive_blob(scene, blob);
    CHECK(scene.settle("", Cause::unknown) == 0);
    CHECK(settled(scene.file, Tally::died) == 1);
    CHECK(!scene.file.view().occupied);
    return scene.journal.only_entry();
}

}  // namespace

TEST_CASE("the handler of a blob gets its body, and the segment is gone with the message") {
    for (const std::size_t size : {std::size_t{1}, std::size_t{4097}, std::size_t{2'000'000}}) {
        CAPTURE(size);
        Scene scene;
        BlobSender blob(long_body("3", size));
        receive_blob(scene, blob.plain());
        CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
        CHECK(scene.ledger.times(3) == 1);
        CHECK(settled(scene.file, Tally::handled) == 1);
        CHECK(!blob.is_there());
        CHECK(scene.journal.entries().empty());
    }
}

TEST_CASE("a worker that was killed in the handler of a blob leaves it to be tried again") {
    Scene scene;
    BlobSender blob(long_body("3"));
    blob.plain();
    scene.killed([&](Slot& slot) {
        receive(slot, 7, blob.bytes());
        slot.hold_segment({blob.segment(), blob.sender.envelope.blob->token});
        slot.begin_attempt(0);
    });
    SUBCASE("at once, when it was killed from outside") {
        CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
        CHECK(scene.ledger.times(3) == 1);
        CHECK(scene.journal.entries().empty());
    }
    SUBCASE("later, out of the journal, when it crashed") {
        CHECK(scene.settle("killed by SIGSEGV", Cause::crashed) == 0);
        const JournalEntry entry = scene.journal.only_entry();
        CHECK(entry.state == JournalState::delayed);
        CHECK(JournalDir::text(entry) == long_body("3"));
        CHECK(entry.id == blob.sender.envelope.id);
        CHECK(settled(scene.file, Tally::retried) == 1);
    }
    CHECK(!blob.is_there());
}

TEST_CASE("a worker that was killed right behind the settlement leaves no segment") {
    Scene scene;
    BlobSender blob(long_body("3"));
    scene.killed([&](Slot& slot) {
        receive(slot, 7, blob.bytes());
        slot.hold_segment({blob.segment(), blob.sender.envelope.blob->token});
        slot.settle(Tally::handled);
    });
    REQUIRE(blob.is_there());
    CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    CHECK(!blob.is_there());
    CHECK(scene.ledger.times(3) == 0);
    CHECK(settled(scene.file, Tally::handled) == 1);
    // The id is another's by now.
    BlobSender other(long_body("4"));
    scene.killed([&](Slot& slot) { slot.hold_segment({other.segment(), {}}); });
    CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    CHECK(other.is_there());
}

TEST_CASE("the body of a blob that fails, or dies, is in the journal and the segment is gone") {
    Scene scene;
    BlobSender blob(long_body("3:retry"));
    std::string command = "retry";
    SUBCASE("it is tried again later") {}
    SUBCASE("it is dead") {
        command = "reject";
    }
    BlobSender failing(long_body("3:" + command));
    receive_blob(scene, failing.plain());
    CHECK(scene.settle("", Cause::unknown) == 0);
    CHECK(scene.ledger.times(3) == 1);
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.state == (command == "retry" ? JournalState::delayed : JournalState::dead));
    CHECK(JournalDir::text(entry) == long_body("3:" + command));
    CHECK(entry.attempts == 1);
    CHECK(!failing.is_there());
    CHECK(blob.is_there());
}

TEST_CASE("a blob that is to be confirmed, or comes later, goes to the journal with its body") {
    Scene scene;
    BlobSender blob(long_body("3"));
    blob.sender.envelope.delay_ms = 3'600'000;
    receive_blob(scene, blob);
    CHECK(scene.settle("", Cause::unknown) == 0);
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.state == JournalState::delayed);
    CHECK(JournalDir::text(entry) == long_body("3"));
    CHECK(entry.id == blob.sender.envelope.id);
    CHECK(blob.sender.told() == ConfirmStatus::accepted);
    CHECK(!blob.is_there());
}

TEST_CASE("a blob that is not taken, or expired, leaves no segment either") {
    Scene scene;
    BlobSender blob(long_body("3"));
    SUBCASE("it is there already") {
        NewMessage other;
        other.type = 7;
        other.unique_key = "key";
        scene.journal.transact(
            [&](Journal& open) { open.insert(open.queue_number("jobs"), other); });
        blob.sender.envelope.unique_key = "key";
        receive_blob(scene, blob);
        CHECK(scene.settle("", Cause::unknown) == 0);
        CHECK(blob.sender.told() == ConfirmStatus::duplicate);
        CHECK(settled(scene.file, Tally::refused) == 1);
    }
    SUBCASE("it is worthless") {
        blob.sender.envelope.expires_ms = 1;
        receive_blob(scene, blob.plain());
        CHECK(scene.settle("", Cause::unknown) == 0);
        CHECK(settled(scene.file, Tally::expired) == 1);
    }
    CHECK(scene.ledger.times(3) == 0);
    CHECK(!blob.is_there());
}

TEST_CASE("a stop that drains moves the body of a blob to the journal") {
    Scene scene;
    BlobSender blob(long_body("3"));
    receive_blob(scene, blob.plain());
    CHECK(scene.shelve() == 0);
    CHECK(JournalDir::text(scene.journal.only_entry()) == long_body("3"));
    CHECK(!blob.is_there());
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("a blob without a sound body is dead, with the reason, and its sender is told") {
    Scene scene;
    BlobSender blob(long_body("3"));
    SUBCASE("the segment is gone") {
        REQUIRE(::shmctl(blob.segment(), IPC_RMID, nullptr) == 0);
        CHECK(broken(scene, blob).reason == "broken blob: its shared memory is gone");
    }
    SUBCASE("the body is not what was said") {
        blob.sender.envelope.blob->checksum ^= 1U;
        CHECK(broken(scene, blob).reason == "broken blob: the checksum of its body is wrong");
        CHECK(!blob.is_there());
    }
    SUBCASE("it is somebody else's segment") {
        blob.sender.envelope.blob->token[0] ^= std::byte{1};
        CHECK(broken(scene, blob).reason ==
              "broken blob: its shared memory is not the one that was meant");
        CHECK(blob.is_there());
    }
    SUBCASE("it was not given to us") {
        SharedMemory::from_id(blob.segment()).set({.uid = 1, .gid = {}, .mode = {}});
        CHECK(broken(scene, blob).reason ==
              "broken blob: its shared memory was not given to the daemon's user, private and "
              "with mode 0600");
        CHECK(blob.is_there());
    }
    SUBCASE("it is beyond every measure") {
        blob.sender.envelope.blob->size = ~std::uint64_t{0};
        CHECK(broken(scene, blob).reason == "broken blob: its body is longer than 512 MiB");
    }
    CHECK(JournalDir::text(scene.journal.only_entry()) == blob.bytes());
    CHECK(blob.sender.told() == ConfirmStatus::broken);
    CHECK(scene.ledger.times(3) == 0);
}

TEST_CASE("a body that is longer than max_body is refused by what its message says, not fetched") {
    Scene scene;
    scene.queue.max_body = 1'999'999;
    BlobSender blob(long_body("3"));
    SUBCASE("with a body") {}
    SUBCASE("with a wish") {
        blob.sender.envelope.delay_ms = 3'600'000;
    }
    const JournalEntry entry = broken(scene, blob);
    CHECK(entry.reason == "broken blob: its body is longer than max_body");
    CHECK(JournalDir::text(entry) == blob.bytes());
    CHECK(blob.sender.told() == ConfirmStatus::broken);
    CHECK(!blob.is_there());
}

TEST_CASE("a large body that fails without room for it makes nobody wait") {
    Scene scene;
    scene.journal.limit(1'000'000);
    std::string command = "retry";
    SUBCASE("it would be tried again later") {}
    SUBCASE("it would be dead") {
        command = "reject";
    }
    BlobSender blob(long_body("3:" + command));
    const JournalEntry entry = broken(scene, blob.plain());
    CHECK(entry.state == JournalState::dead);
    CHECK(entry.reason.find("its body of 2000000 bytes is not kept: ") != std::string::npos);
    CHECK(JournalDir::text(entry) == blob.bytes());
    CHECK(entry.attempts == 1);
    CHECK(!blob.is_there());
}

TEST_CASE("a body that its workers are killed over is fetched as often as messages are tried") {
    Scene scene;
    scene.queue.retry.attempts = 3;
    BlobSender blob(long_body("3"));
    int begun = 2;
    SUBCASE("once more") {}
    SUBCASE("and no more") {
        begun = 3;
    }
    scene.killed([&](Slot& slot) {
        receive(slot, 7, blob.bytes());
        for (int i = 0; i < begun; ++i)
            slot.begin_fetch();
    });
    CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    CHECK(blob.sender.told() == (begun == 2 ? ConfirmStatus::accepted : ConfirmStatus::broken));
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.state == (begun == 2 ? JournalState::ready : JournalState::dead));
    if (begun == 3) CHECK(entry.reason.find("killed over it") != std::string::npos);
    CHECK(!blob.is_there());
    CHECK(Slot(scene.file).fetches() == 0);
}

TEST_CASE("a body that stays in its row is handled from there, also after its worker was killed") {
    Scene scene;
    scene.in_work(long_body("3"));
    SUBCASE("from outside: at once") {
        CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
        CHECK(scene.ledger.times(3) == 1);
        CHECK(settled(scene.file, Tally::handled) == 1);
        CHECK(scene.journal.entries().empty());
    }
    SUBCASE("by the handler: later") {
        CHECK(scene.settle("killed by SIGSEGV", Cause::crashed) == 0);
        CHECK(scene.ledger.times(3) == 0);
        const JournalEntry entry = scene.journal.only_entry();
        CHECK(entry.state == JournalState::delayed);
        CHECK(JournalDir::text(entry) == long_body("3"));
    }
    SUBCASE("and its row is gone") {
        scene.journal.transact([&](Journal& open) { open.finish(1); });
        CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
        CHECK(scene.ledger.times(3) == 0);
        CHECK(settled(scene.file, Tally::died) == 1);
    }
    CHECK(!scene.file.view().occupied);
}

}  // TEST_SUITE("worker_blob")
