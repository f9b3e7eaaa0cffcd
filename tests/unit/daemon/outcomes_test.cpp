#include "daemon/outcomes.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/unix/signals.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/journal_dir.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/sender.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/test_log.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

TEST_SUITE("outcomes") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t hour_ms = 3'600'000;

// The tally that messages of type 7 count in, and how a worker ends them.
struct Work {
    Slot& slot;
    Outcomes& outcomes;
    std::size_t row;
    InHand in_hand() const { return take_in_hand(slot); }
};

// A slot with a message of type 7 in it, and workers that come to it one after the other.
struct Scene {
    explicit Scene(const std::string& body = "the body") {
        policy.jitter = 0;
        policy.delay = 1h;
        policy.max_delay = 1h;
        queue.name = "jobs";
        live([&](const Work& work) {
            receive(work.slot, 7, body);
            work.slot.begin_attempt(0);
        });
    }

    // One worker's life.
    void live(const std::function<void(const Work&)>& work, bool full = false) {
        const JournalPlace place = full ? journal.full_place() : journal.place();
        Slot slot(file);
        JournalAccess access(place);
        Outcomes outcomes(queue, slot, access, bell);
        work({slot, outcomes, slot.tally_row(7)});
    }

    // The same by a worker that is killed after its write, before it has emptied its slot; and by
    // the successor, which finds the slot as it was.
    void live_twice(const std::function<void(const Work&)>& work) {
        const std::string before = image_of(file);
        live(work);
        restore(file, before);
        live(work);
    }

    std::uint64_t count(Tally tally) const {
        for (const TallyRow& row : file.tallies()) {
            if (row.type == 7) return row.of(tally);
        }
        return 0;
    }

    KeptLog log;
    RunDir run;
    JournalDir journal;
    SlotFile file{run.path(), "jobs.0", 10'000};
    QueueConfig queue;
    RetryConfig policy;
    DueBell bell{DueBell::never};
};

std::string text_of(const std::vector<Attempt>& history) {
    std::string text;
    for (const Attempt& attempt : history)
        text += std::to_string(attempt.number) + ": " + attempt.cause + "; ";
    return text;
}

void grant_wish(const Work& work) {
    const InHand message = work.in_hand();
    REQUIRE(message.wish);
    CHECK(work.outcomes.journaled(message, work.row));
}

}  // namespace

TEST_CASE("a failed message is put off as the policy says, with what happened") {
    Scene scene;
    scene.policy.attempts = 3;
    const std::int64_t before = wall_clock_ms();
    scene.live([&](const Work& work) {
        CHECK(work.outcomes.failed(work.in_hand(), work.row, scene.policy, "no luck", {}));
        CHECK(!work.slot.occupied());
    });
    const std::int64_t after = wall_clock_ms();
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.queue == "jobs");
    CHECK(entry.type == 7);
    CHECK(JournalDir::text(entry) == "the body");
    CHECK(entry.state == JournalState::delayed);
    CHECK(entry.attempts == 1);
    CHECK(entry.due_ms >= before + hour_ms);
    CHECK(entry.due_ms <= after + hour_ms);
    CHECK(text_of(entry.history) == "1: no luck; ");
    CHECK(entry.history[0].at_ms >= before);
    CHECK(entry.history[0].at_ms <= after);
    CHECK(scene.bell.next() == entry.due_ms);
    CHECK(scene.count(Tally::retried) == 1);
    CHECK(scene.log.text() == "warning: queue jobs: message of type 7, 8 bytes: attempt 1 of 3 "
                              "failed: no luck; the next is due in 1h\n");
}

TEST_CASE("a handler's own delay comes before the policy's") {
    Scene scene;
    const std::int64_t before = wall_clock_ms();
    scene.live([&](const Work& work) {
        CHECK(work.outcomes.failed(work.in_hand(), work.row, scene.policy, "busy", 5h));
    });
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.due_ms >= before + 5 * hour_ms);
    CHECK(entry.due_ms <= wall_clock_ms() + 5 * hour_ms);
}

TEST_CASE("a message keeps its id and its time to live through a failure") {
    Sender sender("hello");
    sender.envelope.confirm.reset();
    sender.envelope.expires_ms = wall_clock_ms() + hour_ms;
    Scene scene(sender.bytes());
    scene.live([&](const Work& work) {
        CHECK(work.outcomes.failed(work.in_hand(), work.row, scene.policy, "no luck", {}));
    });
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(JournalDir::text(entry) == "hello");
    CHECK(entry.id == sender.envelope.id);
    CHECK(entry.expires_ms == sender.envelope.expires_ms);
}

TEST_CASE("after its last attempt a message is dead, with every attempt's cause") {
    Scene scene;
    scene.policy.attempts = 3;
    scene.live([&](const Work& work) {
        work.slot.note_failure(1'000, "first");
        work.slot.begin_attempt(0);
        work.slot.note_failure(2'000, "second");
        work.slot.begin_attempt(0);
        CHECK(work.outcomes.failed(work.in_hand(), work.row, scene.policy, "third", 5h));
        CHECK(!work.slot.occupied());
    });
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.state == JournalState::dead);
    CHECK(entry.attempts == 3);
    CHECK(entry.reason == "3 attempts; the last one: third");
    CHECK(text_of(entry.history) == "1: first; 2: second; 3: third; ");
    CHECK(scene.count(Tally::died) == 1);
    CHECK(scene.count(Tally::retried) == 0);
    CHECK(scene.bell.next() == DueBell::never);
    CHECK(scene.log.text() ==
          "error: queue jobs: message of type 7, 8 bytes is dead: 3 attempts; the last one: third; "
          "see 'myq dead list'\n");
}

TEST_CASE("a message with one attempt is dead after it, and says so in good English") {
    Scene scene;
    scene.policy.attempts = 1;
    scene.live([&](const Work& work) {
        CHECK(work.outcomes.failed(work.in_hand(), work.row, scene.policy, "no luck", {}));
    });
    CHECK(scene.journal.only_entry().reason == "1 attempt; the last one: no luck");
}

TEST_CASE("a row of the journal is put off or buried where it is, and its history grows") {
    Scene scene;
    scene.journal.put(7, "from the journal");
    scene.live([&](const Work& work) { work.slot.settle(Tally::handled, work.row); });
    const auto take = [&](Slot& slot) {
        scene.journal.transact([&](Journal& journal) {
            journal.claim(journal.queue_number("jobs"), Selector::any(), slot.identity(),
                          DueBell::never, 1, [&](const DueMessage& due) {
                              slot.load(due.row, due.type, due.attempts, due.id.bytes, 0, due.body);
                          });
        });
    };
    const std::int64_t row = scene.journal.only_entry().row;
    scene.live([&](const Work& work) {
        take(work.slot);
        work.slot.begin_attempt(0);
    });
    scene.live_twice([&](const Work& work) {
        CHECK(work.outcomes.failed(work.in_hand(), work.row, scene.policy, "one", {}));
    });
    JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.row == row);
    CHECK(entry.state == JournalState::delayed);
    CHECK(entry.attempts == 1);
    CHECK(scene.count(Tally::retried) == 1);

    scene.live([&](const Work& work) {
        take(work.slot);
        REQUIRE(work.slot.attempts() == 1);
        work.slot.begin_attempt(0);
    });
    scene.live_twice(
        [&](const Work& work) { CHECK(work.outcomes.dead(work.in_hand(), work.row, "rejected")); });
    entry = scene.journal.only_entry();
    CHECK(entry.row == row);
    CHECK(entry.state == JournalState::dead);
    CHECK(entry.attempts == 2);
    CHECK(entry.reason == "rejected");
    CHECK(text_of(entry.history) == "1: one; ");
    CHECK(scene.count(Tally::died) == 1);
}

TEST_CASE("a worker that is killed over its write has a successor that does not write again") {
    Scene scene;
    SUBCASE("put off") {
        scene.live_twice([&](const Work& work) {
            CHECK(work.outcomes.failed(work.in_hand(), work.row, scene.policy, "no luck", {}));
        });
        CHECK(scene.count(Tally::retried) == 1);
        CHECK(scene.journal.only_entry().state == JournalState::delayed);
    }
    SUBCASE("dead") {
        scene.live_twice([&](const Work& work) {
            CHECK(work.outcomes.dead(work.in_hand(), work.row, "rejected"));
        });
        CHECK(scene.count(Tally::died) == 1);
        CHECK(scene.journal.only_entry().state == JournalState::dead);
    }
    SUBCASE("shelved") {
        scene.live_twice(
            [&](const Work& work) { CHECK(work.outcomes.shelved(work.in_hand(), work.row)); });
        CHECK(scene.journal.only_entry().state == JournalState::ready);
    }
    CHECK(!scene.file.view().occupied);
    // The next message in the slot is another one, though it looks the same.
    scene.live([&](const Work& work) {
        receive(work.slot, 7, "the body");
        work.slot.begin_attempt(0);
        CHECK(work.outcomes.failed(work.in_hand(), work.row, scene.policy, "no luck", {}));
    });
    CHECK(scene.journal.entries().size() == 2);
}

TEST_CASE(
    "a message that is shelved is due at once after the next start, with what it went through") {
    Scene scene;
    scene.live([&](const Work& work) {
        work.slot.note_failure(1'000, "first");
        work.slot.begin_attempt(0);
        CHECK(work.outcomes.shelved(work.in_hand(), work.row));
    });
    JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.state == JournalState::ready);
    CHECK(entry.attempts == 2);
    CHECK(text_of(entry.history) == "1: first; 2: the daemon was stopped before it was done; ");
    CHECK(scene.count(Tally::retried) == 1);
}

TEST_CASE("a message that no handler was given has no failed attempt when it is shelved") {
    Scene scene;
    scene.live([&](const Work& work) {
        work.slot.settle(Tally::handled, work.row);
        receive(work.slot, 7, "fresh");
        CHECK(work.outcomes.shelved(work.in_hand(), work.row));
    });
    CHECK(scene.journal.only_entry().attempts == 0);
    CHECK(scene.journal.only_entry().history.empty());
}

TEST_CASE("a wish is granted, and its sender told") {
    Sender sender("hello");
    sender.envelope.delay_ms = hour_ms;
    sender.envelope.unique_key = "order-4711";
    sender.envelope.expires_ms = wall_clock_ms() + 2 * hour_ms;
    Scene scene(sender.bytes());
    const std::int64_t before = wall_clock_ms();
    scene.live(grant_wish);
    CHECK(sender.told() == ConfirmStatus::accepted);
    CHECK(!sender.told());
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.type == 7);
    CHECK(JournalDir::text(entry) == "hello");
    CHECK(entry.id == sender.envelope.id);
    CHECK(entry.state == JournalState::delayed);
    CHECK(entry.due_ms >= before + hour_ms);
    CHECK(entry.due_ms <= wall_clock_ms() + hour_ms);
    CHECK(entry.expires_ms == sender.envelope.expires_ms);
    CHECK(entry.unique_key == "order-4711");
    CHECK(entry.attempts == 0);
    CHECK(!scene.file.view().occupied);
    CHECK(scene.count(Tally::journaled) == 1);
    CHECK(scene.bell.next() == entry.due_ms);
}

TEST_CASE("a wish without a confirmation is granted in silence") {
    Sender sender("hello");
    sender.envelope.confirm.reset();
    sender.envelope.unique_key = "once";
    Scene scene(sender.bytes());
    scene.live(grant_wish);
    CHECK(!sender.told());
    CHECK(scene.journal.only_entry().state == JournalState::ready);
    CHECK(scene.bell.next() == DueBell::at_once);
}

TEST_CASE("a confirmation is repeated by the successor, and is the same, but the write is not") {
    Sender sender("hello");
    // It is its own duplicate when it is asked for again.
    sender.envelope.unique_key = "order-4711";
    Scene scene(sender.bytes());
    scene.live_twice(grant_wish);
    CHECK(sender.told() == ConfirmStatus::accepted);
    CHECK(sender.told() == ConfirmStatus::accepted);
    CHECK(scene.journal.entries().size() == 1);
    CHECK(scene.count(Tally::journaled) == 1);
    CHECK(scene.count(Tally::refused) == 0);
}

TEST_CASE("what is on disk is confirmed, though the journal is full since then") {
    Sender sender("hello");
    Scene scene(sender.bytes());
    const std::string before = image_of(scene.file);
    scene.live(grant_wish);
    REQUIRE(sender.told() == ConfirmStatus::accepted);
    restore(scene.file, before);
    scene.live(grant_wish, true);
    CHECK(sender.told() == ConfirmStatus::accepted);
    CHECK(scene.count(Tally::journaled) == 1);
    CHECK(scene.journal.entries().size() == 1);
}

TEST_CASE("a duplicate is refused, again and again, and leaves the first one alone") {
    Sender first("first");
    first.envelope.unique_key = "order-4711";
    Sender second("second");
    second.envelope.unique_key = "order-4711";
    Scene scene(first.bytes());
    scene.live(grant_wish);
    scene.bell.take();
    scene.live([&](const Work& work) { receive(work.slot, 7, second.bytes()); });
    scene.live_twice(grant_wish);
    CHECK(first.told() == ConfirmStatus::accepted);
    CHECK(second.told() == ConfirmStatus::duplicate);
    CHECK(second.told() == ConfirmStatus::duplicate);
    CHECK(JournalDir::text(scene.journal.only_entry()) == "first");
    CHECK(!scene.file.view().occupied);
    CHECK(scene.count(Tally::journaled) == 1);
    CHECK(scene.count(Tally::refused) == 1);
    CHECK(scene.bell.next() == DueBell::never);
}

TEST_CASE("who would keep a unique key for longer than the queue allows does not get it") {
    Sender sender("hello");
    sender.envelope.unique_key = "order-4711";
    Scene scene;
    scene.queue.max_keyed_delay = 1h;
    SUBCASE("by a delay") {
        sender.envelope.delay_ms = hour_ms + 1;
    }
    SUBCASE("by a time, in the farthest future") {
        sender.envelope.due_ms = std::numeric_limits<std::int64_t>::max();
    }
    scene.live([&](const Work& work) {
        work.slot.settle(Tally::handled);
        receive(work.slot, 7, sender.bytes());
    });
    scene.live_twice(grant_wish);  // also a successor tells the sender
    CHECK(sender.told() == ConfirmStatus::broken);
    CHECK(sender.told() == ConfirmStatus::broken);
    const JournalEntry entry = scene.journal.only_entry();
    CHECK(entry.state == JournalState::dead);
    CHECK(entry.reason == "broken envelope: it has a unique key and is due later than "
                          "max_keyed_delay allows");
    CHECK(JournalDir::text(entry) == "hello");
    CHECK(entry.unique_key == "order-4711");
    CHECK(scene.count(Tally::died) == 1);
    sender.envelope.delay_ms = hour_ms;
    sender.envelope.due_ms.reset();
    scene.live([&](const Work& work) { receive(work.slot, 7, sender.bytes()); });
    scene.live(grant_wish);
    CHECK(sender.told() == ConfirmStatus::accepted);
}

TEST_CASE("a sender that waits is told at once that the journal is full, and its message is over") {
    Sender sender("hello");
    Scene scene(sender.bytes());
    scene.live(grant_wish, true);
    CHECK(sender.told() == ConfirmStatus::full);
    CHECK(!scene.file.view().occupied);
    CHECK(scene.count(Tally::refused) == 1);
    CHECK(scene.count(Tally::journaled) == 0);
    CHECK(scene.journal.entries().empty());
    CHECK(scene.log.count("is refused: ") == 1);
    // It may be sent again when there is room.
    scene.live([&](const Work& work) {
        receive(work.slot, 7, sender.bytes());
        grant_wish(work);
    });
    CHECK(sender.told() == ConfirmStatus::accepted);
}

TEST_CASE("what its sender has put off is refused without room, though nobody waits to be told") {
    Sender sender("hello");
    sender.envelope.confirm.reset();
    SUBCASE("later") {
        sender.envelope.delay_ms = hour_ms;
    }
    SUBCASE("only once") {
        sender.envelope.unique_key = "order-4711";
    }
    Scene scene(sender.bytes());
    scene.live(grant_wish, true);
    CHECK(!scene.file.view().occupied);
    CHECK(scene.count(Tally::refused) == 1);
    CHECK(scene.journal.entries().empty());
    CHECK(scene.log.count("warning: queue jobs: message of type 7, 5 bytes, is refused: ") == 1);
}

TEST_CASE("what is dead before a handler had it is not kept without room, and the log says so") {
    Scene scene;
    scene.live([&](const Work& work) {
        work.slot.settle(Tally::handled, work.row);
        receive(work.slot, 7, "the body");
    });
    scene.live(
        [&](const Work& work) {
            CHECK(work.outcomes.dead(work.in_hand(), work.row, "no handler takes it"));
        },
        true);
    CHECK(scene.journal.entries().empty());
    CHECK(scene.count(Tally::refused) == 1);
    CHECK(scene.count(Tally::died) == 0);
    CHECK(scene.log.count("is dead: no handler takes it; it is not kept: ") == 1);
}

TEST_CASE("a flood of messages that are refused is no flood in the log") {
    Sender sender("hello");
    sender.envelope.delay_ms = hour_ms;
    Scene scene(sender.bytes());
    scene.live(
        [&](const Work& work) {
            for (int i = 0; i < 100; ++i) {
                if (i > 0) receive(work.slot, 7, sender.bytes());
                grant_wish(work);
            }
        },
        true);
    CHECK(scene.count(Tally::refused) == 100);
    CHECK(scene.log.count("refused") <= 60);  // in three seconds, say
    CHECK(scene.log.count("works again") == 0);
}

TEST_CASE("a sender that waits is told that the journal cannot be written") {
    Sender sender("hello");
    Scene scene(sender.bytes());
    const JournalPlace nowhere{"/nonexistent/journal", {}};
    Slot slot(scene.file);
    JournalAccess access(nowhere);
    Outcomes outcomes(scene.queue, slot, access, scene.bell);
    grant_wish({slot, outcomes, slot.tally_row(7)});
    CHECK(sender.told() == ConfirmStatus::failed);
    CHECK(!slot.occupied());
    CHECK(scene.count(Tally::refused) == 0);  // nobody knows
}

TEST_CASE("a full journal takes what became of messages that are there already") {
    Scene scene;
    SUBCASE("put off") {
        scene.live(
            [&](const Work& work) {
                CHECK(work.outcomes.failed(work.in_hand(), work.row, scene.policy, "no luck", {}));
            },
            true);
        CHECK(scene.journal.only_entry().state == JournalState::delayed);
    }
    SUBCASE("dead") {
        scene.live(
            [&](const Work& work) {
                CHECK(work.outcomes.dead(work.in_hand(), work.row, "rejected"));
            },
            true);
        CHECK(scene.journal.only_entry().state == JournalState::dead);
    }
    SUBCASE("shelved") {
        scene.live(
            [&](const Work& work) { CHECK(work.outcomes.shelved(work.in_hand(), work.row)); },
            true);
        CHECK(scene.journal.only_entry().state == JournalState::ready);
    }
}

TEST_CASE("who waits for no confirmation waits in the slot until the journal works, or the stop") {
    Sender sender("hello");
    sender.envelope.confirm.reset();
    sender.envelope.unique_key = "once";
    std::string body = sender.bytes();
    const std::string word = "error: journal: ";
    bool (*work_it)(const Work&, const RetryConfig&) = nullptr;
    SUBCASE("a wish, and no file") {
        work_it = [](const Work& work, const RetryConfig&) {
            return work.outcomes.journaled(work.in_hand(), work.row);
        };
    }
    SUBCASE("a failure, and no file") {
        body = "raw";
        work_it = [](const Work& work, const RetryConfig& policy) {
            return work.outcomes.failed(work.in_hand(), work.row, policy, "no luck", {});
        };
    }
    Scene scene(body);
    const JournalPlace nowhere{"/nonexistent/journal", {}};
    Lines lines;
    // On another slot: the lock of the first one is the test's.
    const pid_t worker = myq::test::fork_child([&] {
        log_to(lines);
        become_interruptible(::getppid(), [] {});
        const SlotFile file(scene.run.path(), "jobs.1", 10'000);
        Slot slot(file);
        receive(slot, 7, body);
        slot.begin_attempt(0);
        JournalAccess access(nowhere);
        Outcomes outcomes(scene.queue, slot, access, scene.bell);
        const bool settled = work_it({slot, outcomes, 0}, scene.policy);
        lines.say(settled ? "settled" : "left");
        return slot.occupied() ? 0 : 1;
    });
    lines.wait_for(word);
    ::kill(worker, SIGTERM);
    lines.wait_for("left");
    CHECK(myq::test::wait_for(worker) == 0);
    CHECK(lines.count(word) == 1);  // said once, not once a second
    CHECK(scene.journal.entries().empty());
    const SlotFile file(scene.run.path(), "jobs.1", 10'000);
    CHECK(file.view().occupied);
    CHECK(settled(file, Tally::refused) == 0);
}

TEST_CASE("work goes on by itself when there is room again") {
    Sender sender("hello");
    sender.envelope.confirm.reset();
    sender.envelope.unique_key = "once";
    Scene scene(sender.bytes());
    Lines lines;
    JournalPlace place = scene.journal.place();
    place.directory = scene.run / "later";
    const pid_t worker = myq::test::fork_child([&] {
        log_to(lines);
        const SlotFile file(scene.run.path(), "jobs.1", 10'000);
        Slot slot(file);
        receive(slot, 7, sender.bytes());
        JournalAccess access(place);
        Outcomes outcomes(scene.queue, slot, access, scene.bell);
        const InHand message = take_in_hand(slot);
        return outcomes.journaled(message, 0) && !slot.occupied() ? 0 : 1;
    });
    lines.wait_for("error: journal: ");
    std::filesystem::create_directory(place.directory);
    lines.wait_for("info: journal: works again");
    CHECK(myq::test::wait_for(worker) == 0);
    Journal journal(place.directory, place.limits, false);
    CHECK(journal.next_due("jobs", Selector::any()) == 0);
}

}  // TEST_SUITE("outcomes")
