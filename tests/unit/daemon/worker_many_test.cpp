#include "tests/unit/daemon/worker_scene.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

TEST_SUITE("worker_many") {

// A handler that takes many messages in one call: which come so, and what becomes of them.
using namespace myq;
using namespace myq::test;

using Cause = WorkerSeat::Cause;

namespace {

struct Scene : WorkerScene {
    Scene() {
        static const auto image = read_plugin(many.path(), "many", 0);
        routes[0].handler.plugin = "many";
        routes[0].handler.options = {};
        routes[0].image = image;
    }

    // A journal worker, until nothing is due.
    std::vector<std::string> work() {
        const int status = in_child([&] {
            log_to(lines);
            Fd report{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
            return run_worker(task(), {file, report, ::getppid(), false, ""});
        });
        CHECK(status == 0);
        return calls();
    }

    // "many: one two", "alone: three, attempt 1": what the handler has said until now.
    std::vector<std::string> calls() {
        lines.close_out();
        std::vector<std::string> calls;
        for (const std::string& line : lines.rest()) {
            const auto at = line.find("many: ");
            if (at != std::string::npos) calls.push_back(line.substr(at + 6));
        }
        return calls;
    }

    // A worker was killed in a call of as many as are here.
    void killed_in_call(const std::vector<std::string>& bodies) const {
        killed([&](Slot& slot) {
            slot.make_room_for_many();
            receive(slot, 7, bodies.front());
            for (std::size_t i = 1; i < bodies.size(); ++i) {
                auto* at = static_cast<char*>(slot.handful().next());
                const std::int64_t type = 7;
                std::memcpy(at, &type, sizeof type);
                bodies[i].copy(at + sizeof type, bodies[i].size());
                slot.handful().landed(bodies[i].size());
            }
            slot.begin_call(bodies.size(), 0);
        });
    }

    std::uint64_t handled() const { return settled(file, Tally::handled); }

    const PluginDir many{"many"};
};

using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "rows of the journal come many in one call, as many as are claimed and the plugin takes") {
    Scene scene;
    for (int i = 1; i <= 20; ++i)
        scene.journal.put(7, std::to_string(i));
    // A worker claims one, then twice as many, since one call dealt with all of them.
    CHECK(scene.work() == Calls{"alone: 1, attempt 1", "many: 2 3", "many: 4 5 6 7",
                                "many: 8 9 10 11 12 13 14 15", "many: 16 17 18 19 20"});
    CHECK(scene.handled() == 20);
    CHECK(scene.journal.entries().empty());
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("each message of a call has its own outcome") {
    Scene scene;
    scene.queue.retry.delay = std::chrono::hours{1};
    for (const char* body : {"first", "1", "2", "retry", "3", "reject", "4", "5", "6"})
        scene.journal.put(7, body);
    CHECK(scene.work() ==
          Calls{"alone: first, attempt 1", "many: 1 2", "many: retry 3 reject 4", "many: 5 6"});
    CHECK(scene.handled() == 7);
    CHECK(scene.journal.bodies(JournalState::dead) == "reject ");
    CHECK(scene.journal.bodies(JournalState::delayed) == "retry ");
    CHECK(scene.journal.entries()[0].attempts == 1);
}

TEST_CASE("a call that throws fails those that have no outcome yet, and what is forgotten fails") {
    Scene scene;
    scene.queue.retry.delay = std::chrono::hours{1};
    for (const char* body : {"first", "1", "throw", "forget", "2", "3", "4"})
        scene.journal.put(7, body);
    CHECK(scene.work() == Calls{"alone: first, attempt 1", "many: 1 throw", "many: forget 2 3 4"});
    CHECK(scene.journal.bodies(JournalState::delayed) == "throw forget ");
    const auto entries = scene.journal.entries();
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].history.at(0).cause == "told to throw");
    CHECK(entries[1].history.at(0).cause == "its handler gave it no outcome");
    CHECK(scene.handled() == 5);
}

TEST_CASE(
    "what a worker was killed over in a call of many comes alone, and who is to blame is found") {
    Scene scene;
    SUBCASE("killed from outside") {
        scene.killed_in_call({"1", "2", "3"});
        CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
        CHECK(scene.calls() ==
              Calls{"alone: 1, attempt 2", "alone: 2, attempt 2", "alone: 3, attempt 2"});
        CHECK(scene.handled() == 3);
    }
    SUBCASE("crashed") {
        scene.killed_in_call({"1", "crash", "3"});
        CHECK(scene.settle("killed by SIGSEGV", Cause::crashed) == -SIGSEGV);
        CHECK(scene.settle("killed by SIGSEGV", Cause::crashed) == 0);
        CHECK(scene.calls() ==
              Calls{"alone: 1, attempt 2", "alone: crash, attempt 2", "alone: 3, attempt 2"});
        CHECK(scene.handled() == 2);
        const JournalEntry entry = scene.journal.only_entry();
        CHECK(JournalDir::text(entry) == "crash");
        CHECK(entry.attempts == 2);
        REQUIRE(entry.history.size() == 2);
        CHECK(entry.history[0].cause == "killed by SIGSEGV in plugin many 1.0, in a call of many");
        CHECK(entry.history[1].cause == "killed by SIGSEGV in plugin many 1.0");
    }
    SUBCASE("no time left") {
        scene.routes[0].handler.timeout = std::chrono::seconds{3};
        scene.killed_in_call({"1", "2"});
        CHECK(scene.settle("killed by SIGKILL", Cause::timed_out) == 0);
        CHECK(scene.handled() == 2);
        CHECK(scene.journal.entries().empty());
    }
    SUBCASE("the last attempt") {
        scene.queue.retry.attempts = 1;
        scene.killed_in_call({"1", "2"});
        CHECK(scene.settle("killed by SIGSEGV", Cause::crashed) == 0);
        CHECK(scene.calls().empty());
        CHECK(scene.journal.bodies(JournalState::dead) == "1 2 ");
    }
    CHECK(!scene.file.view().occupied);
}

TEST_CASE(
    "a call of many that a worker was killed over goes to the journal when the daemon stops") {
    Scene scene;
    scene.killed_in_call({"1", "2", "3"});
    CHECK(scene.shelve() == 0);
    CHECK(scene.journal.bodies(JournalState::ready) == "1 2 3 ");
    CHECK(!scene.file.view().occupied);
}

TEST_CASE("what may be tried once, was tried before, or has a format, comes alone") {
    Scene scene;
    for (const char* body : {"1", "2", "3"})
        scene.journal.put(7, body);
    SUBCASE("once") {
        scene.queue.retry.attempts = 1;
    }
    SUBCASE("a plugin that takes one") {
        scene.routes[0].handler.options = {{"most", {"1"}, "myq.yaml:1:1"}};
    }
    SUBCASE("a plugin that takes none") {
        scene.routes[0].handler.options = {{"most", {"0"}, "myq.yaml:1:1"}};
    }
    CHECK(scene.work() ==
          Calls{"alone: 1, attempt 1", "alone: 2, attempt 1", "alone: 3, attempt 1"});
    CHECK(scene.handled() == 3);
}

TEST_CASE(
    "rows that a worker was killed over in a call of many are neither lost nor handled twice") {
    Scene scene;
    for (const char* body : {"1", "2", "3", "4"})
        scene.journal.put(7, body);
    scene.killed([&](Slot& slot) {
        slot.make_room_for_many();
        slot.hold_claims(true);
        scene.journal.transact([&](Journal& open) {
            open.claim(open.queue_number("jobs"), Selector::any(), slot.identity(), wall_clock_ms(),
                       4, [&](const DueMessage& due) {
                           if (!slot.occupied()) {
                               slot.load(due.row, 7, 0, due.id.bytes, 0, due.body);
                           } else if (slot.handful().messages().size() < 2) {
                               slot.handful().load(due.row, 7, due.id.bytes, 0, due.body);
                           }
                       });
        });
        slot.begin_call(3, 0);
        slot.end_call();
        slot.settle_in_handful(0, Tally::handled, 0);
    });
    CHECK(scene.settle("killed by SIGKILL", Cause::killed) == 0);
    CHECK(scene.handled() == 3);
    CHECK(scene.journal.bodies(JournalState::ready) == "4 ");
    CHECK(scene.journal.entries().size() == 1);
    CHECK(scene.calls() == Calls{"alone: 1, attempt 2", "alone: 3, attempt 2"});
}

}  // TEST_SUITE("worker_many")
