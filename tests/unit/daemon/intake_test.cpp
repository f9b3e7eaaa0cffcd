#include "ipc/reply.hpp"
#include "tests/unit/daemon/intake_scene.hpp"
#include "tests/unit/daemon/sender.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>

#include <memory>
#include <optional>
#include <string>

TEST_SUITE("intake") {

using namespace myq;
using namespace myq::test;

using Scene = IntakeScene;

TEST_CASE("a drain closes the queue, moves everything to the journal in its order, and leaves") {
    Scene scene;
    Sender sender("in an envelope");
    for (int i = 0; i < 100; ++i)
        scene.send(7, std::to_string(i));
    scene.send(8, sender.bytes());
    CHECK(scene.run(IntakeMode::drain) == 0);
    std::string all;
    for (int i = 0; i < 100; ++i)
        all += std::to_string(i) + ' ';
    CHECK(scene.journaled() == all + "in an envelope ");
    CHECK(scene.journal.entries().back().type == 8);
    CHECK(scene.journal.entries().back().id == sender.envelope.id);
    CHECK(sender.told() == ConfirmStatus::accepted);
    CHECK(scene.queue.stat_any().messages == 0);
    CHECK(scene.queue.stat_any().mode == 0600);
    CHECK(!scene.file->view().occupied);
}

TEST_CASE("an intake for good takes what comes, rings, and leaves when it is asked to") {
    Scene scene;
    const pid_t intake = scene.start(IntakeMode::for_good);
    for (int i = 0; i < 3; ++i) {
        Sender sender("hello");
        scene.send(7, sender.bytes());
        std::optional<ConfirmStatus> told;
        REQUIRE(eventually([&] { return (told = sender.told()).has_value(); }));
        CHECK(told == ConfirmStatus::accepted);
    }
    CHECK(Scene::stop(intake) == 0);
    CHECK(scene.journaled() == "hello hello hello ");
    CHECK(scene.bell.next() == DueBell::at_once);
    CHECK(scene.queue.stat_any().mode == 0622);
    CHECK(!scene.file->view().occupied);
}

TEST_CASE("a batch that a killed intake left is written by the next, which takes nothing more") {
    Scene scene;
    Sender sender("confirmed");
    scene.leave_batch({"one", sender.bytes(), "three"});
    scene.send(7, "still waiting");
    CHECK(scene.run(IntakeMode::for_good, true) == 0);
    CHECK(scene.journaled() == "one confirmed three ");
    CHECK(sender.told() == ConfirmStatus::accepted);
    CHECK(scene.queue.stat_any().messages == 1);
    CHECK(!scene.file->view().occupied);
    CHECK(scene.bell.next() == DueBell::at_once);
}

TEST_CASE("a batch is written once, however often its intake is killed behind the commit") {
    Scene scene;
    Sender first("first");
    first.envelope.unique_key = "order-4711";
    Sender second("second");
    second.envelope.unique_key = "order-4711";
    scene.leave_batch({"raw", first.bytes(), second.bytes()});
    const std::string before = image_of(*scene.file);
    CHECK(scene.run(IntakeMode::drain, true) == 0);
    // Its successor finds the batch as it was before the clean-up, with what its senders are told.
    REQUIRE(first.told() == ConfirmStatus::accepted);
    REQUIRE(second.told() == ConfirmStatus::duplicate);
    restore(*scene.file, before);
    {
        Slot slot(*scene.file);
        const Batch batch(slot);
        REQUIRE(batch.messages().size() == 3);
        batch.messages()[2].head->status = ConfirmStatus::duplicate;
    }
    give_up_lock(*scene.file);
    CHECK(scene.run(IntakeMode::drain, true) == 0);
    CHECK(scene.journaled() == "raw first ");
    CHECK(first.told() == ConfirmStatus::accepted);
    CHECK(second.told() == ConfirmStatus::duplicate);
    CHECK(!scene.file->view().occupied);
}

TEST_CASE(
    "delays, ends and keys of an envelope reach the journal, a broken one is dead, with why") {
    Scene scene;
    Sender sender("later");
    sender.envelope.confirm.reset();
    sender.envelope.delay_ms = 3'600'000;
    sender.envelope.expires_ms = wall_clock_ms() + 7'200'000;
    sender.envelope.unique_key = "key";
    std::string broken = sender.bytes();
    broken.back() = 'X';
    scene.send(7, sender.bytes());
    scene.send(7, broken);
    const std::int64_t before = wall_clock_ms();
    CHECK(scene.run(IntakeMode::drain) == 0);
    const auto entries = scene.journal.entries();
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].state == JournalState::delayed);
    CHECK(entries[0].due_ms >= before + 3'600'000);
    CHECK(entries[0].expires_ms == sender.envelope.expires_ms);
    CHECK(entries[0].unique_key == "key");
    CHECK(entries[1].state == JournalState::dead);
    CHECK(entries[1].reason == "broken envelope: its checksum is wrong");
    CHECK(JournalDir::text(entries[1]) == broken);
    CHECK(scene.bell.next() == entries[0].due_ms);
}

TEST_CASE("who asks for what cannot be is told so, and the message is among the dead") {
    Scene scene;
    Sender sender("hello");
    scene.send(7, sender.bytes_of_kind(EnvelopeKind::batch));
    CHECK(scene.run(IntakeMode::drain) == 0);
    CHECK(scene.journal.only_entry().state == JournalState::dead);
    CHECK(sender.told() == ConfirmStatus::broken);
}

TEST_CASE("a unique key is not to be had for longer than the queue allows") {
    Scene scene;
    Sender years("years");
    years.envelope.unique_key = "order-4711";
    years.envelope.delay_ms = 27LL * 365 * 24 * 3'600'000;
    const ReplyQueue caller(scene.me.uid);
    years.envelope.reply = ReplyAddress{caller.id(), caller.token(), 1};
    Sender days("days");
    days.envelope.unique_key = "order-4711";
    days.envelope.delay_ms = 6LL * 24 * 3'600'000;
    Sender keyless("keyless");
    keyless.envelope.delay_ms = years.envelope.delay_ms;
    for (const Sender* sender : {&years, &days, &keyless})
        scene.send(7, sender->bytes());
    CHECK(scene.run(IntakeMode::drain) == 0);
    CHECK(years.told() == ConfirmStatus::broken);
    CHECK(days.told() == ConfirmStatus::accepted);
    CHECK(keyless.told() == ConfirmStatus::accepted);
    const JournalEntry dead = scene.journal.entries().back();
    CHECK(dead.state == JournalState::dead);
    const std::string why =
        "broken envelope: it has a unique key and is due later than max_keyed_delay allows";
    CHECK(dead.reason == why);
    const auto told = caller.receive(Wait::no);
    REQUIRE(told);
    const auto end = decode_reply(told->body);
    REQUIRE(end);
    CHECK(end->status == Reply::Status::dead);
    CHECK(end->text == why);
}

TEST_CASE("a full journal refuses who waits, and keeps the others until there is room") {
    Scene scene;
    Sender sender("confirmed");
    scene.send(7, "raw");
    scene.send(7, sender.bytes());
    const pid_t intake = scene.start(IntakeMode::for_good, false, true);
    std::optional<ConfirmStatus> told;
    REQUIRE(eventually([&] { return (told = sender.told()).has_value(); }));
    CHECK(told == ConfirmStatus::full);
    CHECK(Scene::stop(intake) == 0);
    CHECK(scene.journal.entries().empty());
    REQUIRE(scene.file->view().occupied);
    // Now there is room. Who was refused is over: the sender sends again.
    CHECK(scene.run(IntakeMode::for_good, true) == 0);
    CHECK(scene.journaled() == "raw ");
    CHECK(!sender.told());
    CHECK(!scene.file->view().occupied);
}

TEST_CASE("whose intake is killed while it tells who is refused is told by the next") {
    Scene scene;
    Sender sender("confirmed");
    scene.leave_batch({"raw", sender.bytes()});
    CHECK(scene.run_until_it_tells(true) == -SIGSYS);
    CHECK(!sender.told());
    REQUIRE(scene.file->view().occupied);
    CHECK(scene.run(IntakeMode::for_good, true) == 0);
    CHECK(sender.told() == ConfirmStatus::accepted);
    CHECK(scene.journaled() == "raw confirmed ");
}

TEST_CASE("an intake for relief leaves when the queue is half empty, and takes the oldest") {
    Scene scene;
    QueueSettings settings;
    settings.capacity = 10'000;
    scene.queue.set(settings);
    const std::string body(100, 'x');
    for (int i = 0; i < 90; ++i)
        scene.send(7, std::to_string(i) + body);
    REQUIRE(fullness(scene.queue.stat_any()) >= overflow_begins);
    CHECK(scene.run(IntakeMode::relief) == 0);
    CHECK(fullness(scene.queue.stat_any()) <= overflow_ends);
    const auto entries = scene.journal.entries();
    REQUIRE(!entries.empty());
    for (std::size_t i = 0; i < entries.size(); ++i)
        CHECK(JournalDir::text(entries[i]) == std::to_string(i) + body);
    CHECK(entries.size() + scene.queue.stat_any().messages == 90);
    CHECK(scene.queue.stat_any().mode == 0622);
}

TEST_CASE("a queue is as full as its bytes or its messages, whichever is more") {
    QueueStat stat;
    stat.capacity = 1'000;
    CHECK(fullness(stat) == 0);
    stat.bytes = 500;
    CHECK(fullness(stat) == 0.5);
    stat.messages = 750;  // of no bytes, perhaps
    CHECK(fullness(stat) == 0.75);
    stat.capacity = 0;
    CHECK(fullness(stat) == 1);
}

TEST_CASE("an intake whose slot is too small for the messages of today says so and leaves") {
    Scene scene;
    // Made when kernel.msgmax was smaller; and kept, since there was a batch in it.
    scene.file = std::make_unique<SlotFile>(scene.run_dir.path(), "jobs+9", 4'096);
    scene.leave_batch({"left behind"});
    scene.send(7, "waits");
    const pid_t intake = scene.start(IntakeMode::for_good);
    int status = -1;
    const bool left = eventually([&] { return ::waitpid(intake, &status, WNOHANG) == intake; });
    CHECK(left);
    if (!left) {
        ::kill(intake, SIGKILL);
        myq::test::wait_for(intake);
    }
    CHECK(status == 0);
    CHECK(scene.journaled() == "left behind ");
    CHECK(scene.file->view().needed_body >= Batch::body_capacity(8'192));
    CHECK(!scene.file->view().occupied);
    CHECK(scene.queue.stat_any().messages == 1);
}

}  // TEST_SUITE("intake")
