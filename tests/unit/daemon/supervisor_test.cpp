#include "daemon/supervisor.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/stage.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <chrono>
#include <string>

TEST_SUITE("supervisor") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

std::chrono::nanoseconds now() {
    return Clock::now().time_since_epoch();
}

// The last word of a line as a number of nanoseconds.
std::chrono::nanoseconds time_in(const std::string& line) {
    return std::chrono::nanoseconds{std::stoll(line.substr(line.rfind(' ') + 1))};
}

}  // namespace

TEST_CASE("the daemon is ready when its last worker is, and stops when it is told to") {
    Stage stage;
    Lines gate;
    const Body slow = [&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        stage.lines.say("b waits");
        gate.wait_for("go");
        return stage.stay("b", seat);
    };
    stage.start(Stage::generation({stage.patient("a"), slow}));
    stage.lines.wait_for("b waits");
    CHECK(!stage.lines.has_seen("ready:"));
    gate.say("go");
    stage.lines.wait_for("info: ready: 2 workers");
    int how = SIGTERM;
    SUBCASE("by SIGTERM") {}
    SUBCASE("by Ctrl-C") {
        how = SIGINT;
    }
    CHECK(stage.end(how) == 0);
    const auto rest = stage.lines.rest();
    CHECK(stage.lines.has_seen("info: stopping"));
    CHECK(stage.lines.has_seen("a leaves"));
    CHECK(stage.lines.has_seen("b leaves"));
    CHECK(rest.back() == "run returns");
    CHECK(!stage.lines.has_seen("a worker ended"));
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("a stillborn worker is started again after a pause that grows") {
    Stage stage;
    stage.start(Stage::generation({[&](const WorkerSeat& seat) {
        stage.lines.say("born " + std::to_string(now().count()));
        Stage::be_ready(seat);
        return 3;
    }}));
    const auto first = time_in(stage.lines.wait_for("born"));
    const auto second = time_in(stage.lines.wait_for("born"));
    const auto third = time_in(stage.lines.wait_for("born"));
    CHECK(stage.lines.has_seen("warning: queue q: a worker ended: exit status 3"));
    CHECK(second - first >= 1s);
    CHECK(third - second >= 2s);
    CHECK(third - second < 4s);
    CHECK(stage.end(SIGTERM) == 0);  // also while nobody lives
}

TEST_CASE("a worker that cannot start ends the start, and every other worker") {
    Stage stage;
    Lines gate;
    stage.start(Stage::generation({[&](const WorkerSeat& seat) {
                                       gate.wait_for("go");
                                       Readiness(std::move(seat.report)).failed("no such luck", 78);
                                       return 78;
                                   },
                                   stage.patient("other")}));
    stage.lines.wait_for("other comes");
    gate.say("go");
    CHECK(stage.wait_for_end() == 78);
    // Ends only if the other worker did.
    CHECK(stage.lines.rest().back() == "start failure: queue q: no such luck");
    CHECK(!stage.lines.has_seen("info: ready"));
}

TEST_CASE("a worker that dies before it says a word ends the start") {
    Stage stage;
    stage.start(Stage::generation({stage.patient("other"), [](const WorkerSeat&) {
                                       raise(SIGKILL);
                                       return 0;
                                   }}));
    CHECK(stage.wait_for_end() == 1);
    CHECK(stage.lines.rest().back() ==
          "start failure: queue q: a worker ended before it was ready: killed by SIGKILL");
}

TEST_CASE("a worker that ignores SIGTERM is killed after stop_timeout, and its message is kept") {
    Stage stage;
    Generation generation = Stage::generation({[&](const WorkerSeat& seat) {
        signal(SIGTERM, SIG_IGN);
        store(seat.slot, 7, "body");
        Stage::be_ready(seat);
        for (;;)
            pause();
        return 0;
    }});
    generation.stop_timeout = 200ms;
    stage.start(generation);
    stage.lines.wait_for("info: ready: 1 workers");
    const auto before = now();
    CHECK(stage.end(SIGTERM) == 0);
    CHECK(now() - before >= 200ms);
    CHECK(stage.lines.rest().back() == "run returns");
    REQUIRE(stage.slots.names() == std::vector<std::string>{"q.0"});
    CHECK(stage.slots.open("q.0", 100)->view().occupied);
}

TEST_CASE("a worker that dies with a message is replaced at once, and its successor knows how") {
    Stage stage;
    stage.start(Stage::generation({[&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        stage.lines.say("born after '" + seat.last_end + "' " + std::to_string(now().count()));
        if (seat.last_end.empty()) {
            Stage::be_ready(seat);
            store(seat.slot, 7, "body");
            stage.lines.say("dies " + std::to_string(now().count()));
            raise(SIGSEGV);
        }
        put<std::int64_t>(seat.slot, slot_header_size, 0);
        return stage.stay("second", seat);
    }}));
    const auto died = time_in(stage.lines.wait_for("dies"));
    const std::string line = stage.lines.wait_for("born after 'killed by SIGSEGV'");
    CHECK(time_in(line) - died < 900ms);  // far from the first pause
    CHECK(stage.lines.has_seen("warning: queue q: a worker ended: killed by SIGSEGV; its message "
                               "is kept and tried again"));
    CHECK(stage.end(SIGTERM) == 0);
}

TEST_CASE(
    "a worker that is killed again and again over one message is paced, and the log says so") {
    Stage stage;
    Body body = [&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        if (seat.last_end.empty()) Stage::be_ready(seat);
        store(seat.slot, 7, "body");
        raise(SIGKILL);
        return 0;
    };
    SUBCASE("before it is ready again") {}
    SUBCASE("and is ready each time") {
        body = [&](const WorkerSeat& seat) {
            become_interruptible(seat.supervisor, [] {});
            Stage::be_ready(seat);
            store(seat.slot, 7, "body");
            raise(SIGKILL);
            return 0;
        };
    }
    stage.start(Stage::generation({body}));
    // Two come at once: the first, and the one after it.
    for (const char* pause : {"50", "100", "200", "400"})
        stage.lines.wait_for(std::string("queue q: the next worker comes in ") + pause + " ms");
    CHECK(stage.lines.count("a worker ended: killed by SIGKILL; its message is kept") == 5);
    CHECK(stage.end(SIGTERM) == 0);
}

TEST_CASE("a worker gets a slot as large as it needs, and what it did still counts") {
    Stage stage;
    stage.start(Stage::generation({[&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        Slot slot(seat.slot);
        stage.lines.say("has " + std::to_string(slot.body_capacity()));
        receive(slot, 7, "body");
        slot.settle(Tally::handled);
        if (slot.body_capacity() > 50'000) return stage.stay("large", seat);
        Stage::be_ready(seat);
        slot.need(1'000 * slot.body_capacity());
        return 0;
    }}));
    stage.lines.wait_for("has 100");
    stage.lines.wait_for("has 100000");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("stopped: 2 handled, 0 put off, 0 dead, 0 expired"));
}

TEST_CASE("a handler whose time is up loses its worker, and the next one is told why") {
    Stage stage;
    Generation generation = Stage::generation({[&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        Slot slot(seat.slot);
        if (seat.last_end.empty()) {
            Stage::be_ready(seat);
            receive(slot, 7, "body");
            slot.begin_attempt((now() + 50ms).count());
            for (;;)
                pause();  // a handler that hears nothing
        }
        stage.lines.say("next after: " + seat.last_end);
        const int result = stage.stay("next", seat);
        slot.settle(Tally::handled);
        return result;
    }});
    generation.shortest_timeout = 50ms;
    stage.start(generation);
    stage.lines.wait_for("next after: the handler's timeout ran out");
    CHECK(stage.lines.has_seen("warning: queue q: a worker ended: the handler's timeout ran out; "
                               "its message is kept and tried again"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("next leaves"));
}

TEST_CASE("SIGUSR1 opens the log anew, here and in the workers, and does nothing else") {
    static const Lines* log = nullptr;
    Stage stage;
    log = &stage.lines;
    stage.start(Stage::generation({[&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] { log->say("worker opens"); });
        return stage.stay("a", seat);
    }}));
    stage.lines.wait_for("ready");
    stage.send(SIGUSR1);
    stage.lines.wait_for("worker opens");
    CHECK(stage.lines.has_seen("reopen"));
    CHECK(!stage.lines.has_seen("a leaves"));
    CHECK(stage.end(SIGTERM) == 0);
}

TEST_CASE("a stop while workers still start ends them and does not say ready") {
    Stage stage;
    stage.start(Stage::generation({[&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        stage.lines.say("starting");
        while (!stop_requested())
            pause();
        return 0;
    }}));
    stage.lines.wait_for("starting");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(!stage.lines.has_seen("ready"));
}

TEST_CASE("workers leave by themselves when their supervisor is killed") {
    Stage stage;
    stage.start(Stage::generation({stage.patient("a"), stage.patient("b")}));
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGKILL) == -SIGKILL);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("a leaves"));
    CHECK(stage.lines.has_seen("b leaves"));
}

}  // TEST_SUITE("supervisor")
