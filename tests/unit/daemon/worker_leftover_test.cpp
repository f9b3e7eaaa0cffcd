#include "tests/unit/daemon/sender.hpp"
#include "tests/unit/daemon/worker_scene.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

TEST_SUITE("worker_leftover") {

// What becomes of a message that a worker was killed over: settled by its successor, or shelved
// when the daemon stops.
using namespace myq;
using namespace myq::test;

using Scene = WorkerScene;
using Cause = WorkerSeat::Cause;

TEST_CASE("a message that no handler was given is handled by the next worker") {
    Scene scene;
    scene.killed([](Slot& slot) { receive(slot, 7, "3"); });
    CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    CHECK(scene.ledger.times(3) == 1);
    CHECK(!scene.file.view().occupied);
    CHECK(settled(scene.file, Tally::handled) == 1);
}

TEST_CASE("a message whose worker was killed from outside is tried again at once, a crash is not") {
    Scene scene;
    scene.killed([](Slot& slot) {
        receive(slot, 7, "3");
        slot.begin_attempt(0);
    });
    SUBCASE("killed from outside") {
        CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
        CHECK(scene.ledger.times(3) == 1);
        CHECK(settled(scene.file, Tally::handled) == 1);
        CHECK(scene.journal.entries().empty());
    }
    SUBCASE("the whole daemon was killed") {
        CHECK(scene.settle("", Cause::unknown) == 0);
        CHECK(scene.ledger.times(3) == 1);
    }
    SUBCASE("crashed") {
        CHECK(scene.settle("killed by SIGSEGV", Cause::crashed) == 0);
        CHECK(scene.ledger.times(3) == 0);
        CHECK(settled(scene.file, Tally::retried) == 1);
        const JournalEntry entry = scene.journal.only_entry();
        CHECK(entry.attempts == 1);
        REQUIRE(entry.history.size() == 1);
        CHECK(entry.history[0].cause.starts_with("killed by SIGSEGV in plugin ledger "));
    }
    SUBCASE("killed from outside, and that was the last attempt") {
        scene.queue.retry.attempts = 1;
        CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
        CHECK(scene.ledger.times(3) == 0);
        CHECK(scene.journal.only_entry().state == JournalState::dead);
    }
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("a message that was in the journal when its worker was killed is not handled again") {
    Scene scene;
    SUBCASE("from the kernel queue") {
        scene.killed([&](Slot& slot) {
            receive(slot, 7, "3");
            slot.begin_attempt(0);
            scene.put_off(slot);
        });
        CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    }
    SUBCASE("a row of the journal") {
        scene.in_work("3", [&](Slot& slot) { scene.put_off(slot); });
        CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    }
    SUBCASE("shelved") {
        scene.in_work("3", [&](Slot& slot) { scene.put_off(slot); });
        CHECK(scene.shelve() == 0);
    }
    CHECK(scene.ledger.times(3) == 0);
    CHECK(!scene.file.view().occupied);
    CHECK(settled(scene.file, Tally::handled) == 0);
    CHECK(settled(scene.file, Tally::retried) == 1);
    CHECK(scene.journal.only_entry().state == JournalState::delayed);
}

TEST_CASE("a row of the journal in a killed worker's hands is handled once more and then gone") {
    Scene scene;
    scene.in_work("3");
    CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    CHECK(scene.ledger.times(3) == 1);
    CHECK(scene.journal.entries().empty());
    CHECK(settled(scene.file, Tally::handled) == 1);
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("a row that was over when its worker was killed is not handled again") {
    Scene scene;
    scene.in_work("3");
    // settle() writes down that the row is over, and how, before it takes the message out of the
    // slot.
    SlotHeader header{};
    REQUIRE(::pread(scene.file.fd().value(), &header, sizeof header, 0) == sizeof header);
    Tally tally = Tally::handled;
    SUBCASE("handled") {}
    SUBCASE("expired") {
        tally = Tally::expired;
    }
    header.settling_count = 1;
    header.settling_place = static_cast<std::uint32_t>(tally) + 1;
    header.done_rows.at(0) = header.row;
    header.done_count = 1;
    put(scene.file, 0, header);
    CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    CHECK(scene.ledger.times(3) == 0);
    CHECK(scene.journal.entries().empty());
    CHECK(settled(scene.file, tally) == 1);
    CHECK(settled(scene.file, Tally::handled) + settled(scene.file, Tally::expired) == 1);
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("who asks a worker for what cannot be is told so, and the message is among the dead") {
    Scene scene;
    Sender sender("hello");
    scene.killed([&](Slot& slot) { receive(slot, 7, sender.bytes_of_kind(EnvelopeKind::batch)); });
    CHECK(scene.settle("", Cause::unknown) == 0);
    CHECK(scene.journal.only_entry().state == JournalState::dead);
    CHECK(settled(scene.file, Tally::died) == 1);
    CHECK(sender.told() == ConfirmStatus::broken);
}

TEST_CASE("whose worker is killed while it tells that a message is broken is told by the next") {
    Scene scene;
    Sender sender("hello");
    scene.killed([&](Slot& slot) { receive(slot, 7, sender.bytes_of_kind(EnvelopeKind::batch)); });
    CHECK(scene.settle_until_it_tells() == -SIGSYS);
    CHECK(!sender.told());
    CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    CHECK(sender.told() == ConfirmStatus::broken);
    CHECK(scene.journal.only_entry().state == JournalState::dead);
    CHECK(settled(scene.file, Tally::died) == 1);
}

TEST_CASE("a stop that drains moves what is in a slot to the journal") {
    Scene scene;
    SUBCASE("a message that no handler was given") {
        scene.killed([](Slot& slot) { receive(slot, 7, "3"); });
        CHECK(scene.shelve() == 0);
        CHECK(scene.journal.only_entry().attempts == 0);
    }
    SUBCASE("a message in a handler's hands") {
        scene.killed([](Slot& slot) {
            receive(slot, 7, "3");
            slot.begin_attempt(0);
        });
        CHECK(scene.shelve() == 0);
        CHECK(scene.journal.only_entry().attempts == 1);
        CHECK(scene.journal.only_entry().history.size() == 1);
    }
    SUBCASE("a row of the journal goes back") {
        scene.in_work("3");
        CHECK(scene.shelve() == 0);
        CHECK(scene.journal.only_entry().attempts == 1);
    }
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.state == JournalState::ready);
    CHECK(JournalDir::text(entry) == "3");
    CHECK(!scene.file.view().occupied);
    CHECK(scene.ledger.times(3) == 0);
}

TEST_CASE("a slot with rows that are only claimed is emptied by giving them back") {
    Scene scene;
    scene.journal.put(7, "3");
    scene.killed([&](Slot& slot) {
        slot.hold_claims(true);
        scene.journal.transact([&](Journal& open) {
            open.claim(open.queue_number("jobs"), Selector::any(), slot.identity(), wall_clock_ms(),
                       1, [](const DueMessage&) {});
        });
    });
    REQUIRE(scene.journal.only_entry().state == JournalState::running);
    CHECK(scene.shelve() == 0);
    CHECK(scene.journal.only_entry().state == JournalState::ready);
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("a wish in a slot is granted when it is shelved") {
    Scene scene;
    Sender sender("hello");
    sender.envelope.delay_ms = 3'600'000;
    scene.killed([&](Slot& slot) { receive(slot, 7, sender.bytes()); });
    CHECK(scene.shelve() == 0);
    CHECK(scene.journal.only_entry().state == JournalState::delayed);
    CHECK(sender.told() == ConfirmStatus::accepted);
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("a broken envelope is dead when it is shelved: it would come back as a raw message") {
    Scene scene;
    Sender sender("hello");
    std::string broken = sender.bytes();
    broken.back() = 'X';
    scene.killed([&](Slot& slot) { receive(slot, 7, broken); });
    CHECK(scene.shelve() == 0);
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.state == JournalState::dead);
    CHECK(entry.reason == "broken envelope: its checksum is wrong");
    CHECK(JournalDir::text(entry) == broken);
}

}  // TEST_SUITE("worker_leftover")
