#include "daemon/outcomes.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/worker.hpp"
#include "tests/support/ledger.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/journal_dir.hpp"
#include "tests/unit/daemon/plugin_dir.hpp"
#include "tests/unit/daemon/sender.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/test_log.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

// What becomes of a message that a worker was killed over: settled by its successor, or shelved
// when the daemon stops.
using namespace myq;
using namespace myq::test;

namespace {

// A slot of queue "jobs", with the plugin `ledger` for its messages: body "3" is counted as 3.
struct Scene {
    Scene() {
        queue.name = "jobs";
        queue.retry.jitter = 0;
        HandlerConfig handler;
        handler.plugin = "ledger";
        handler.options = {{"file", {(run / "ledger").string()}, "myq.yaml:1:1"}};
        handler.where = "myq.yaml:1:1";
        // dlopen() knows a library by its name, here the number of the image's descriptor.
        static const auto image = read_plugin(plugins.path(), "ledger", 0);
        routes = {{handler, image}};
    }

    // The first worker, killed with this in the slot.
    template <typename Work>
    void killed(Work work) const {
        REQUIRE(in_child([&] {
                    Slot slot(file);
                    work(slot);
                    raise(SIGKILL);
                    return 0;
                }) == -SIGKILL);
    }

    // Its successor, which settles what is in the slot and leaves.
    int settle(const std::string& last_end, WorkerSeat::Cause cause) {
        return in_child([&] {
            log_to(lines);
            Fd report{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
            return run_worker(task(), {file, report, ::getppid(), true, last_end, cause});
        });
    }
    int shelve() {
        return in_child([&] {
            log_to(lines);
            Fd report{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
            return shelve_slot(task(), {file, report, ::getppid(), false, ""});
        });
    }
    WorkerTask task() const {
        return {queue,
                Selector::any(),
                routes,
                me,
                journal.place(),
                bell,
                WorkerTask::From::journal_while_due};
    }

    // One that a journal worker had claimed: loaded into the slot, and given to its handler once.
    void in_work(
        const std::string& body, const std::function<void(Slot&)>& then = [](Slot&) {}) {
        journal.put(7, body);
        killed([&](Slot& slot) {
            slot.hold_claims(true);
            journal.transact([&](Journal& open) {
                open.claim(open.queue_number("jobs"), Selector::any(), slot.identity(),
                           wall_clock_ms(), 1, [&](const DueMessage& due) {
                               slot.load(due.row, due.type, due.attempts, due.id.bytes, 0,
                                         due.body);
                           });
            });
            slot.begin_attempt(0);
            then(slot);
        });
    }

    // What the worker does whose handler answers `retry`, up to the moment between the COMMIT and
    // the acknowledgement.
    void put_off(Slot& slot) const {
        std::string image = image_of(file);
        JournalAccess access(journal.place());
        const std::size_t row = slot.tally_row(7);
        if (!Outcomes(queue, slot, access, bell).failed(take_in_hand(slot), row, {}, "no luck", {}))
            std::abort();
        constexpr std::size_t written = offsetof(SlotHeader, written_sequence);
        constexpr std::size_t size = slot_header_size - written;
        restore(file, image.replace(written, size, image_of(file), written, size));
    }

    const PluginDir plugins{"ledger"};
    RunDir run;
    JournalDir journal;
    Lines lines;  // what the workers log
    Ledger ledger{run / "ledger", 10};
    const Identity me = current_identity();
    QueueConfig queue;
    std::vector<Route> routes;
    DueBell bell{DueBell::never};
    SlotFile file{run.path(), "jobs.0", 10'000};
};

using Cause = WorkerSeat::Cause;

}  // namespace

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
    // settle() writes down that the row is over before it takes the message out of the slot.
    SlotHeader header{};
    REQUIRE(::pread(scene.file.fd().value(), &header, sizeof header, 0) == sizeof header);
    header.done_rows.at(0) = header.row;
    header.done_count = 1;
    put(scene.file, 0, header);
    CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    CHECK(scene.ledger.times(3) == 0);
    CHECK(scene.journal.entries().empty());
    CHECK(settled(scene.file, Tally::handled) == 1);
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("who asks a worker for what cannot be is told so, and the message is among the dead") {
    Scene scene;
    Sender sender("hello");
    scene.killed([&](Slot& slot) { receive(slot, 7, sender.bytes_of_kind(EnvelopeKind::blob)); });
    CHECK(scene.settle("", Cause::unknown) == 0);
    CHECK(scene.journal.only_entry().state == JournalState::dead);
    CHECK(settled(scene.file, Tally::died) == 1);
    CHECK(sender.told() == ConfirmStatus::broken);
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
