#include "tests/unit/daemon/blob_sender.hpp"
#include "tests/unit/daemon/intake_scene.hpp"

#include <doctest/doctest.h>

#include <sys/shm.h>

#include <deque>
#include <string>

TEST_SUITE("intake_blob") {

// Blobs on their way into the journal.
using namespace myq;
using namespace myq::test;

using Scene = IntakeScene;

TEST_CASE("the bodies of blobs go to the journal, in order, and their segments are gone") {
    Scene scene;
    BlobSender first(std::string(2'000'000, 'a'));
    BlobSender second(std::string(20'000, 'b'));
    second.sender.envelope.delay_ms = 3'600'000;
    scene.send(7, first.bytes());
    scene.send(7, "small");
    scene.send(7, second.plain().bytes());
    CHECK(scene.run(IntakeMode::drain) == 0);
    CHECK(scene.journaled() ==
          std::string(2'000'000, 'a') + " small " + std::string(20'000, 'b') + ' ');
    CHECK(scene.journal.entries().at(0).id == first.sender.envelope.id);
    CHECK(scene.journal.entries().at(2).state == JournalState::delayed);
    CHECK(first.sender.told() == ConfirmStatus::accepted);
    CHECK(!first.is_there());
    CHECK(!second.is_there());
}

TEST_CASE("a transaction takes no more bodies of blobs than some megabytes") {
    Scene scene;
    std::deque<BlobSender> blobs;
    for (int i = 0; i < 5; ++i) {
        blobs.emplace_back(std::string(5'000'000, 'x'));
        scene.send(7, blobs.back().bytes());
    }
    CHECK(scene.run(IntakeMode::drain) == 0);
    CHECK(scene.journal.entries().size() == 5);
    CHECK(scene.file->view().messages == 4);  // batches: two, two, one, and nothing more
    for (const BlobSender& blob : blobs)
        CHECK(!blob.is_there());
}

TEST_CASE("what a sender puts off without room for it holds nobody else of its batch up") {
    Scene scene;
    scene.journal.limit(std::uint64_t{1} << 20U);
    for (int i = 0; i < 3; ++i)
        scene.journal.put(7, std::string(200'000, 'x'), 4'000'000'000'000);
    BlobSender later(std::string(200'000, 'y'));
    later.sender.envelope.delay_ms = 3'600'000;
    SUBCASE("to a sender that waits to be told") {}
    SUBCASE("to one that does not") {
        later.plain();
    }
    scene.send(7, later.bytes());
    scene.send(7, "small");
    CHECK(scene.run(IntakeMode::drain) == 0);
    CHECK(scene.journal.entries().size() == 4);
    CHECK(scene.journaled().find("small") != std::string::npos);
    if (later.sender.envelope.confirm) CHECK(later.sender.told() == ConfirmStatus::full);
    CHECK(!later.is_there());
    CHECK(settled(*scene.file, Tally::refused) == 1);
}

TEST_CASE("a batch that intakes were killed over goes on without the body that they fetched") {
    Scene scene;
    scene.config.retry.attempts = 3;
    BlobSender blob(std::string(20'000, 'b'));
    scene.leave_batch({"raw", blob.bytes()});
    REQUIRE(in_child([&] {
                Slot slot(*scene.file);
                Batch batch(slot);
                batch.messages().back().head->fetches = 3;
                return 0;
            }) == 0);
    CHECK(scene.run(IntakeMode::drain, true) == 0);
    CHECK(scene.journaled() == "raw " + blob.bytes() + ' ');
    CHECK(scene.journal.entries().at(1).reason.find("killed over it") != std::string::npos);
    CHECK(blob.sender.told() == ConfirmStatus::broken);
    CHECK(!blob.is_there());
}

TEST_CASE("a batch with a blob is written once, however often its intake is killed") {
    Scene scene;
    BlobSender blob(std::string(20'000, 'b'));
    scene.leave_batch({"raw", blob.bytes()});
    const std::string before = image_of(*scene.file);
    CHECK(scene.run(IntakeMode::drain, true) == 0);
    CHECK(!blob.is_there());
    // Its successor finds the batch as it was before the clean-up, and no segment.
    restore(*scene.file, before);
    CHECK(scene.run(IntakeMode::drain, true) == 0);
    CHECK(scene.journaled() == "raw " + std::string(20'000, 'b') + ' ');
    CHECK(blob.sender.told() == ConfirmStatus::accepted);
    CHECK(blob.sender.told() == ConfirmStatus::accepted);
    CHECK(!scene.file->view().occupied);
}

TEST_CASE("a blob without a sound body is dead in the journal, with the reason") {
    Scene scene;
    BlobSender gone("body");
    BlobSender wrong("body");
    BlobSender long_one("a long body");
    scene.config.max_body = 10;
    REQUIRE(::shmctl(gone.segment(), IPC_RMID, nullptr) == 0);
    wrong.sender.envelope.blob->checksum ^= 1U;
    for (const BlobSender* one : {&gone, &wrong, &long_one})
        scene.send(7, one->bytes());
    CHECK(scene.run(IntakeMode::drain) == 0);
    const auto entries = scene.journal.entries();
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].reason == "broken blob: its shared memory is gone");
    CHECK(JournalDir::text(entries[0]) == gone.bytes());
    CHECK(entries[1].reason == "broken blob: the checksum of its body is wrong");
    CHECK(JournalDir::text(entries[1]) == wrong.bytes());
    CHECK(entries[2].reason == "broken blob: its body is longer than max_body");
    CHECK(JournalDir::text(entries[2]) == long_one.bytes());
    for (const BlobSender* one : {&gone, &wrong, &long_one}) {
        CHECK(one->sender.told() == ConfirmStatus::broken);
        CHECK(!one->is_there());
    }
}

TEST_CASE("a journal without room for a blob refuses who waits, and keeps the others' segments") {
    Scene scene;
    BlobSender asks(std::string(20'000, 'a'));
    BlobSender silent(std::string(20'000, 'b'));
    scene.send(7, asks.bytes());
    scene.send(7, silent.plain().bytes());
    const pid_t intake = scene.start(IntakeMode::for_good, false, true);
    std::optional<ConfirmStatus> told;
    REQUIRE(eventually([&] { return (told = asks.sender.told()).has_value(); }));
    CHECK(told == ConfirmStatus::full);
    // It is alone in its batch here: the journal of this test is so small.
    CHECK(Scene::stop(intake) == 0);
    CHECK(silent.is_there());
    CHECK(scene.run(IntakeMode::drain) == 0);
    CHECK(scene.journaled() == std::string(20'000, 'b') + ' ');
    CHECK(!asks.is_there());
    CHECK(!silent.is_there());
}

}  // TEST_SUITE("intake_blob")
