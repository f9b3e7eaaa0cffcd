#include "daemon/journal_source.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/unix/signals.hpp"
#include "tests/support/run.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/journal_dir.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/test_log.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

TEST_SUITE("journal_source") {

using namespace myq;
using namespace myq::test;

namespace {

using Stay = JournalSource::Stay;

constexpr std::int64_t hour_ms = 3'600'000;

// One worker on a slot, with the journal of "jobs" as its source.
struct Worker {
    Worker(const SlotFile& file, const JournalPlace& place, const DueBell& bell, Stay stay,
           Selector types = Selector::any())
        : slot(file),
          access(place),
          source(queue(), types, stay, access, bell) {}

    static const QueueConfig& queue() {
        static const QueueConfig jobs = [] {
            QueueConfig queue;
            queue.name = "jobs";
            return queue;
        }();
        return jobs;
    }

    // The next message's body; what else came of it in brackets.
    std::string fetch() {
        switch (source.fetch(slot)) {
        case Fetch::message:
            return text_of(slot);
        case Fetch::interrupted:
            return "(interrupted)";
        case Fetch::does_not_fit:
            return "(does not fit)";
        case Fetch::finished:
            return "(finished)";
        }
        return "";
    }
    void settle() { slot.settle(Tally::handled); }
    // All that is due now: "one two ".
    std::string work_off() {
        std::string all;
        while (source.fetch(slot) == Fetch::message) {
            all += text_of(slot) + ' ';
            settle();
        }
        return all;
    }

    Slot slot;
    JournalAccess access;
    JournalSource source;
};

struct Scene {
    explicit Scene(int rows = 0) {
        journal.transact([&](Journal& open) {
            const std::int64_t number = open.queue_number("jobs");
            for (int i = 0; i < rows; ++i) {
                const std::string body = std::to_string(i);
                NewMessage message;
                message.type = 7;
                message.body = std::as_bytes(std::span(body));
                open.insert(number, message);
            }
        });
    }
    Worker worker(Stay stay = Stay::while_needed, Selector types = Selector::any()) {
        return Worker(file, journal.place(), bell, stay, types);
    }

    // A worker in a process of its own, which ends by SIGKILL.
    void killed_worker(const std::function<void(Worker&)>& work) {
        REQUIRE(in_child([&] {
                    Worker worker(file, journal.place(), bell, Stay::while_needed);
                    work(worker);
                    raise(SIGKILL);
                    return 0;
                }) == -SIGKILL);
    }

    std::string ready() const { return journal.bodies(JournalState::ready); }
    std::string running() const { return journal.bodies(JournalState::running); }

    RunDir run;
    JournalDir journal;
    SlotFile file{run.path(), "jobs.0", 10'000};
    DueBell bell{DueBell::never};
};

bool rings(int fd) {
    pollfd readable{fd, POLLIN, 0};
    return ::poll(&readable, 1, 0) == 1;
}

// Fetches so many messages one after the other, each but the last of them handled.
void handle(Worker& worker, int messages) {
    for (int i = 0; i < messages; ++i) {
        if (i > 0) worker.settle();
        if (worker.source.fetch(worker.slot) != Fetch::message) std::abort();
    }
}

// A handler that takes so long.
void pass(std::int64_t ns) {
    const std::int64_t end = monotonic_ns() + ns;
    while (monotonic_ns() < end) {
    }
}

}  // namespace

TEST_CASE("what is due is handed out oldest first, with all that is known of it") {
    Scene scene;
    NewMessage message;
    message.type = 5;
    message.id = MessageId::random();
    message.expires_ms = wall_clock_ms() + hour_ms;
    message.attempts = 3;
    message.body = std::as_bytes(std::span("body", 4));
    scene.journal.put(7, "first");
    scene.journal.put(7, "not yet", wall_clock_ms() + hour_ms);
    scene.journal.put(7, "another's", 0, "other");
    scene.journal.transact(
        [&](Journal& journal) { journal.insert(journal.queue_number("jobs"), message); });
    Worker worker = scene.worker();
    CHECK(worker.fetch() == "first");
    CHECK(worker.slot.type() == 7);
    CHECK(worker.slot.attempts() == 0);
    CHECK(worker.slot.expires_ms() == 0);
    worker.settle();
    CHECK(worker.fetch() == "body");
    CHECK(worker.slot.type() == 5);
    CHECK(worker.slot.attempts() == 3);
    CHECK(worker.slot.id() == message.id.bytes);
    CHECK(worker.slot.expires_ms() == message.expires_ms);
    CHECK(worker.slot.row() > 0);
    worker.settle();
    CHECK(worker.fetch() == "(finished)");
    CHECK(scene.ready() == "another's ");
    CHECK(scene.journal.bodies(JournalState::delayed) == "not yet ");
    CHECK(scene.running().empty());
}

TEST_CASE("only what is over leaves the journal: what failed is another's to change") {
    Scene scene(3);
    Worker worker = scene.worker();
    CHECK(worker.fetch() == "0");
    worker.settle();
    CHECK(worker.fetch() == "1");
    worker.slot.settle(Tally::retried);  // Outcomes would have put it off
    CHECK(worker.fetch() == "2");
    worker.slot.settle(Tally::expired);
    CHECK(worker.fetch() == "(finished)");
    CHECK(scene.running() == "1 ");
    CHECK(scene.ready().empty());
}

TEST_CASE("a worker takes only its types") {
    Scene scene;
    for (const std::int64_t type : {8, 7, 9, 7})
        scene.journal.put(type, std::to_string(type));
    CHECK(scene.worker(Stay::while_needed, Selector::only(7)).work_off() == "7 7 ");
    CHECK(scene.worker(Stay::while_needed, Selector::except(9)).work_off() == "8 ");
    CHECK(scene.worker(Stay::while_needed, Selector::up_to(9)).work_off() == "9 ");
}

TEST_CASE("more is claimed at once while messages are fast, and one by one when they are slow") {
    constexpr std::int64_t batch_time_ns = 20'000'000;
    Scene scene(3'000);
    Worker worker = scene.worker();
    Journal look(scene.journal.place().directory, scene.journal.place().limits, false);
    std::size_t batch = 0;  // rows of the last claim
    std::size_t largest = 0;
    std::int64_t before_ns = 0;  // it was made between these
    std::int64_t after_ns = 0;
    for (int claim = 0; claim < 20 || largest < Slot::most_done; ++claim) {
        const bool is_slow = claim < 20 && claim % 5 == 4;
        if (is_slow) pass(batch_time_ns);
        const std::int64_t now_ns = monotonic_ns();
        REQUIRE(worker.source.fetch(worker.slot) == Fetch::message);
        const std::int64_t then_ns = monotonic_ns();
        std::size_t rows = 0;
        look.transact(Survives::kill, [&] { rows = look.claimed(worker.slot.identity()).size(); });
        if (batch == 0) CHECK(rows == 1);
        // Exact on a slow machine, too: what is between is not looked at.
        if (batch != 0 && now_ns - after_ns >= batch_time_ns) CHECK(rows == 1);
        if (batch != 0 && then_ns - before_ns < batch_time_ns)
            CHECK(rows == std::min(2 * batch, Slot::most_done));
        batch = rows;
        largest = std::max(largest, rows);
        before_ns = now_ns;
        after_ns = then_ns;
        worker.settle();
        for (std::size_t i = 1; i < rows; ++i) {
            REQUIRE(worker.source.fetch(worker.slot) == Fetch::message);
            worker.settle();
        }
    }
    CHECK(largest == Slot::most_done);
}

TEST_CASE("claims survive the kill of their worker, and its successor settles them") {
    Scene scene(20);
    // Claims of 1, 2, 4 and 8 rows: of the last, two are over and the third is in hand.
    scene.killed_worker([](Worker& worker) { handle(worker, 10); });
    const std::string claimed = scene.running();
    REQUIRE(claimed.find("9 ") != std::string::npos);
    CHECK(scene.file.view().occupied);
    Slot slot(scene.file);
    CHECK(slot.holds_claims());
    CHECK(text_of(slot) == "9");
    const std::set<std::int64_t> over(slot.done_rows().begin(), slot.done_rows().end());
    JournalAccess access(scene.journal.place());
    CHECK(JournalSource::settle_claims(slot, access));
    // What was over is gone, what was in hand is still the slot's, the rest is everybody's.
    CHECK(scene.running() == "9 ");
    CHECK(scene.ready() == "10 11 12 13 14 15 16 17 18 19 ");
    CHECK(scene.journal.entries().size() == 11);
    for (const JournalEntry& entry : scene.journal.entries())
        CHECK(!over.contains(entry.row));
    CHECK(text_of(slot) == "9");
    CHECK(slot.holds_claims());
    CHECK(slot.done_rows().empty());
    // And when that is over too, nothing is left of it.
    slot.settle(Tally::handled);
    CHECK(JournalSource::settle_claims(slot, access));
    CHECK(scene.running().empty());
    CHECK(scene.journal.entries().size() == 10);
    CHECK(!slot.holds_claims());
    CHECK(!scene.file.view().occupied);
    CHECK(JournalSource::settle_claims(slot, access));  // once more does no harm
    CHECK(scene.journal.entries().size() == 10);
}

TEST_CASE("a worker that is killed between two messages leaves claims, and its slot is occupied") {
    Scene scene(4);
    scene.killed_worker([](Worker& worker) {
        handle(worker, 2);
        worker.settle();
    });
    CHECK(look_at_slot(scene.file.fd()).type == 0);
    CHECK(scene.file.view().occupied);
    Slot slot(scene.file);
    JournalAccess access(scene.journal.place());
    CHECK(JournalSource::settle_claims(slot, access));
    CHECK(scene.running().empty());
    CHECK(scene.ready() == "2 3 ");
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("a worker that is killed before its claim is committed has claimed nothing") {
    Scene scene(4);
    {
        Slot slot(scene.file);
        slot.hold_claims(true);  // what claim() does first
    }
    Slot slot(scene.file);
    JournalAccess access(scene.journal.place());
    CHECK(JournalSource::settle_claims(slot, access));
    CHECK(scene.ready() == "0 1 2 3 ");
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("a worker that is killed right behind the commit of its claim gives all of it back") {
    Scene scene(6);
    std::string before;
    {
        Worker worker = scene.worker();
        handle(worker, 3);
        worker.settle();
        before = image_of(scene.file);  // two rows are over, and the slot says which
        handle(worker, 1);              // they are deleted, and the next four claimed
    }
    REQUIRE(scene.running().size() > 2);
    restore(scene.file, before);
    Slot slot(scene.file);
    REQUIRE(!slot.done_rows().empty());
    JournalAccess access(scene.journal.place());
    CHECK(JournalSource::settle_claims(slot, access));
    CHECK(scene.running().empty());
    CHECK(scene.ready() == "3 4 5 ");
}

TEST_CASE("claims of another slot are left alone") {
    Scene scene(2);
    const SlotFile other(scene.run.path(), "jobs.1", 10'000);
    {
        Worker worker(other, scene.journal.place(), scene.bell, Stay::while_needed);
        handle(worker, 1);
    }
    scene.killed_worker([](Worker& worker) { handle(worker, 1); });
    Slot slot(scene.file);
    slot.settle(Tally::retried);
    JournalAccess access(scene.journal.place());
    CHECK(JournalSource::settle_claims(slot, access));
    CHECK(scene.running() == "0 ");
    CHECK(scene.ready() == "1 ");
}

TEST_CASE("who leaves gives back what was claimed ahead, but for the message in hand") {
    Scene scene(10);
    Worker worker = scene.worker();
    SUBCASE("with empty hands") {
        handle(worker, 5);
        worker.settle();
        worker.source.leave(worker.slot);
        CHECK(scene.running().empty());
        CHECK(!scene.file.view().occupied);
    }
    SUBCASE("with a message in hand") {
        handle(worker, 6);
        worker.source.leave(worker.slot);
        CHECK(scene.running() == "5 ");
        CHECK(worker.slot.holds_claims());
        CHECK(text_of(worker.slot) == "5");
    }
    const std::string left = scene.ready();
    CHECK(left.ends_with("6 7 8 9 "));
    CHECK(left.find('4') == std::string::npos);
}

TEST_CASE("a body that is longer than the slot, or than what is claimed, stays in its row") {
    Scene scene;
    scene.journal.put(7, "short");
    scene.journal.put(7, std::string(20'000, 'L'));
    scene.journal.put(7, std::string(2'000'000, 'L'));
    scene.journal.put(7, "behind");
    Worker worker = scene.worker();
    CHECK(worker.fetch() == "short");
    CHECK(worker.slot.large_size() == 0);
    worker.settle();
    for (const std::uint64_t size : {20'000U, 2'000'000U}) {
        CHECK(worker.fetch().empty());
        CHECK(worker.slot.large_size() == size);
        CHECK(worker.slot.row() > 0);
        CHECK(worker.slot.occupied());
        worker.settle();
    }
    CHECK(worker.fetch() == "behind");
    CHECK(worker.slot.large_size() == 0);
    worker.settle();
    CHECK(worker.fetch() == "(finished)");
    CHECK(scene.journal.entries().empty());
}

TEST_CASE("a worker on demand that finds nothing is finished, and takes the time from the bell") {
    Scene scene;
    scene.bell.announce(DueBell::at_once);
    Worker worker = scene.worker();
    CHECK(worker.fetch() == "(finished)");
    // Else it would be forked again and again, for nothing.
    CHECK(scene.bell.next() == DueBell::never);
    worker.source.leave(worker.slot);
    CHECK(scene.bell.next() == DueBell::never);
}

TEST_CASE("a worker on demand that is finished announces what is due later") {
    Scene scene(2);
    const std::int64_t due = wall_clock_ms() + hour_ms;
    scene.journal.put(7, "later", due + hour_ms);
    scene.journal.put(7, "earlier", due);
    scene.bell.announce(DueBell::at_once);
    Worker worker = scene.worker();
    CHECK(worker.work_off() == "0 1 ");
    CHECK(scene.bell.next() == due);
    CHECK(rings(scene.bell.supervisor_fd()));
}

TEST_CASE("a worker on demand lingers for what is due in a moment") {
    Scene scene;
    scene.journal.put(7, "soon", wall_clock_ms() + 100);
    Worker worker = scene.worker();
    std::string result;
    // A machine that takes its time may find it due at the first look.
    while ((result = worker.fetch()) == "(interrupted)") {
    }
    CHECK(result == "soon");
}

TEST_CASE("a worker on demand that is asked to leave while it lingers tells the others") {
    Scene scene;
    const std::int64_t due = wall_clock_ms() + 150;
    scene.journal.put(7, "soon", due);
    scene.bell.announce(DueBell::at_once);
    Worker worker = scene.worker();
    if (worker.fetch() == "(interrupted)") {
        worker.source.leave(worker.slot);
        CHECK(scene.bell.next() <= due);
    }
}

TEST_CASE("a worker on demand that is asked to leave with work ahead leaves the bell at that") {
    Scene scene(10);
    scene.bell.announce(DueBell::at_once);
    Worker worker = scene.worker();
    handle(worker, 3);
    worker.settle();
    worker.source.leave(worker.slot);
    CHECK(scene.bell.next() == DueBell::at_once);
}

TEST_CASE("a worker for good waits until somebody announces") {
    Scene scene;
    Lines lines;
    const pid_t pid = myq::test::fork_child([&] {
        Worker worker = scene.worker(Stay::for_good);
        std::string result;
        while ((result = worker.fetch()) == "(interrupted)") {
        }
        lines.say("got " + result);
        worker.settle();
        worker.source.leave(worker.slot);
        return 0;
    });
    // Whether it sleeps already or not: an announcement before its look counts as well.
    scene.journal.put(7, "late");
    scene.bell.announce(DueBell::at_once);
    CHECK(lines.wait_for("got") == "got late");
    CHECK(myq::test::wait_for(pid) == 0);
    CHECK(scene.journal.entries().empty());
}

TEST_CASE("a worker for good wakes by itself for what is due later") {
    Scene scene;
    scene.journal.put(7, "soon", wall_clock_ms() + 300);
    Worker worker = scene.worker(Stay::for_good);
    std::string result;
    int interrupted = 0;
    while ((result = worker.fetch()) == "(interrupted)")
        ++interrupted;
    CHECK(result == "soon");
    CHECK(interrupted < 50);  // it slept meanwhile
}

TEST_CASE("a signal ends the wait of a worker for good") {
    Scene scene;
    Lines lines;
    const pid_t pid = myq::test::fork_child([&] {
        become_interruptible(::getppid(), [] {});
        Worker worker = scene.worker(Stay::for_good);
        lines.say("waits");
        while (!stop_requested()) {
            if (worker.fetch() != "(interrupted)") return 2;
        }
        return 0;
    });
    lines.wait_for("waits");
    // Repeated, as the supervisor does.
    int status = 0;
    while (::waitpid(pid, &status, WNOHANG) == 0) {
        ::kill(pid, SIGTERM);
        ::poll(nullptr, 0, 10);
    }
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a worker for good that may have left more than it claimed wakes the others") {
    Scene scene(3);
    Worker worker = scene.worker(Stay::for_good);
    const std::uint32_t before = scene.bell.rings();
    CHECK(worker.fetch() == "0");
    CHECK(scene.bell.rings() > before);
}

TEST_CASE(
    "a ring reaches every worker that waits, also one for whom another type's worker hears it") {
    Scene scene;
    Lines lines;
    const SlotFile slow_file(scene.run.path(), "jobs.1", 10'000);
    const pid_t slow = myq::test::fork_child([&] {
        Worker worker(slow_file, scene.journal.place(), scene.bell, Stay::for_good,
                      Selector::only(8));
        lines.say("waits");
        std::string result;
        while ((result = worker.fetch()) == "(interrupted)") {
        }
        lines.say("got " + result);
        return 0;
    });
    lines.wait_for("waits");
    const auto sleeps = [&] {
        const std::string stat = read_file("/proc/" + std::to_string(slow) + "/stat");
        return stat.find(") S ") != std::string::npos;
    };
    // It waits for the bell; then the machine gives it no time for a while.
    REQUIRE(eventually(sleeps));
    ::kill(slow, SIGSTOP);
    int status = 0;
    REQUIRE(::waitpid(slow, &status, WUNTRACED) == slow);
    scene.journal.put(8, "eight");
    scene.bell.announce(DueBell::at_once);
    {
        // Meanwhile the worker of another type has heard the ring, and found nothing for itself.
        Worker quick = scene.worker(Stay::while_needed, Selector::only(7));
        CHECK(quick.fetch() == "(finished)");
    }
    ::kill(slow, SIGCONT);
    std::string got;
    CHECK_NOTHROW(got = lines.wait_for("got"));
    CHECK(got == "got eight");
    ::kill(slow, SIGKILL);
    myq::test::wait_for(slow);
}

TEST_CASE("a journal that cannot be read is said once, and work goes on when it can") {
    Scene scene;
    const KeptLog log;
    JournalPlace place = scene.journal.place();
    place.directory = scene.run / "later";
    Worker worker(scene.file, place, scene.bell, Stay::while_needed);
    CHECK(worker.fetch() == "(interrupted)");
    CHECK(worker.fetch() == "(interrupted)");
    CHECK(log.count("error: journal: ") == 1);
    std::filesystem::create_directory(place.directory);
    {
        Journal journal(place.directory, place.limits, true);
        NewMessage message;
        message.type = 7;
        message.body = std::as_bytes(std::span("body", 4));
        journal.transact(Survives::kill,
                         [&] { journal.insert(journal.queue_number("jobs"), message); });
    }
    CHECK(worker.work_off() == "body ");
    CHECK(log.count("info: journal: works again") == 1);
}

}  // TEST_SUITE("journal_source")
