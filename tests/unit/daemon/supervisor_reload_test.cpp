#include "daemon/supervisor.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/stage.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <vector>

TEST_SUITE("supervisor_reload") {

using namespace myq;
using namespace myq::test;

TEST_CASE("a reload brings the successors up before the old workers leave") {
    Stage stage;
    stage.reload = [&] {
        stage.lines.say("reload");
        return Stage::generation({stage.patient("new a"), stage.patient("new b")});
    };
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready: 1 workers");
    stage.send(SIGHUP);
    stage.lines.wait_for("old leaves");
    CHECK(stage.lines.has_seen("new a comes"));
    CHECK(stage.lines.has_seen("new b comes"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("info: reloaded: 2 workers"));
    CHECK(stage.lines.has_seen("new a leaves"));
    CHECK(stage.lines.has_seen("new b leaves"));
}

TEST_CASE("a reload that is refused keeps the old workers") {
    Stage stage;
    stage.reload = []() -> Generation { throw std::runtime_error("myq.yaml:1:1: nonsense"); };
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready: 1 workers");
    stage.send(SIGHUP);
    stage.lines.wait_for(
        "error: reload failed: myq.yaml:1:1: nonsense; the old configuration stays");
    stage.send(SIGUSR1);  // it goes on
    stage.lines.wait_for("reopen");
    CHECK(!stage.lines.has_seen("old leaves"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("old leaves"));
}

TEST_CASE("a reload whose workers cannot start keeps the old ones") {
    Stage stage;
    std::string end = "reload failed: queue q: no such luck; the old configuration stays";
    Body bad = [](const WorkerSeat& seat) {
        Readiness(std::move(seat.report)).failed("no such luck", 78);
        return 78;
    };
    SUBCASE("with a word") {}
    SUBCASE("without one") {
        bad = [](const WorkerSeat&) { return 9; };
        end = "reload failed: queue q: a worker ended before it was ready: exit status 9; the old";
    }
    stage.reload = [&] { return Stage::generation({stage.patient("new"), bad}); };
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready: 1 workers");
    stage.send(SIGHUP);
    stage.lines.wait_for(end);
    CHECK(!stage.lines.has_seen("old leaves"));
    // The next one may be better.
    stage.send(SIGHUP);
    stage.lines.wait_for(end);
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("old leaves"));
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("a reload has ended when nobody of before takes a message any more") {
    Stage stage;
    const auto gate = stage.run / "gate";  // who opens it waits for the other end
    REQUIRE(::mkfifo(gate.c_str(), 0600) == 0);
    bool has_message = false;
    SUBCASE("not before those have left who may") {}
    SUBCASE("and without waiting for those who are at one") {
        has_message = true;
    }
    const Body lingers = [&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        if (has_message) store(seat.slot, 7, "body");
        Stage::be_ready(seat);
        while (!stop_requested())
            ::pause();
        stage.lines.say("old lingers");
        while (!Fd{::open(gate.c_str(), O_RDONLY)} && errno == EINTR) {
        }
        put<std::int64_t>(seat.slot, slot_header_size, 0);
        stage.lines.say("old leaves");
        return 0;
    };
    stage.reload = [&] { return Stage::generation({stage.patient("new")}); };
    stage.start(Stage::generation({lingers}));
    stage.lines.wait_for("ready: 1 workers");
    stage.send(SIGHUP);
    if (has_message) {
        stage.lines.wait_for("reload ended: done");
        CHECK(!stage.lines.has_seen("old leaves"));
    } else {
        stage.lines.wait_for("old lingers");
        stage.turn_around();
        CHECK(!stage.lines.has_seen("reload ended"));
    }
    // Another one waits for its turn.
    stage.send(SIGHUP);
    CHECK(Fd{::open(gate.c_str(), O_WRONLY)});
    if (!has_message) stage.lines.wait_for("reload ended: done");
    stage.lines.wait_for("reload ended: done");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("reload begins") == 2);
}

TEST_CASE("whoever asks for a reload is told why there is none") {
    Stage stage;
    SUBCASE("it is refused") {
        stage.reload = []() -> Generation { throw std::runtime_error("nonsense"); };
        stage.start(Stage::generation({stage.patient("old")}));
        stage.lines.wait_for("ready");
        stage.send(SIGHUP);
        stage.lines.wait_for("reload ended: nonsense");
        CHECK(stage.end(SIGTERM) == 0);
    }
    SUBCASE("the daemon stops before the new workers are ready") {
        stage.reload = [&] {
            return Stage::generation({[&](const WorkerSeat& seat) {
                become_interruptible(seat.supervisor, [] {});
                stage.lines.say("new is slow");
                while (!stop_requested())
                    ::pause();
                return 0;
            }});
        };
        stage.start(Stage::generation({stage.patient("old")}));
        stage.lines.wait_for("ready");
        stage.send(SIGHUP);
        stage.lines.wait_for("new is slow");
        CHECK(stage.end(SIGTERM) == 0);
        stage.lines.rest();
        CHECK(stage.lines.has_seen("reload ended: the daemon stops"));
    }
    stage.lines.rest();
    CHECK(stage.lines.count("reload begins") == 1);
    CHECK(stage.lines.count("reload ended") == 1);
}

TEST_CASE("a message that an old worker leaves behind at a reload is settled by the new code") {
    Stage stage;
    const Body dies = [&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        store(seat.slot, 7, "body");
        Stage::be_ready(seat);
        while (!stop_requested())
            pause();
        raise(SIGKILL);
        return 0;
    };
    const Body settles = [&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        if (!seat.settle_only) return stage.stay("new", seat);
        stage.lines.say("settles " + seat.slot.name() + " after " + seat.last_end);
        Stage::be_ready(seat);
        put<std::int64_t>(seat.slot, slot_header_size, 0);
        return 0;
    };
    stage.reload = [&] { return Stage::generation({settles}); };
    stage.start(Stage::generation({dies}));
    stage.lines.wait_for("ready: 1 workers");
    stage.send(SIGHUP);
    stage.lines.wait_for("settles q.0 after killed by SIGKILL");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("messages that an earlier daemon left are settled: by the workers, and by extra ones") {
    Stage stage;
    for (const char* name : {"q.3", "q.8", "q.9", "other.0"}) {
        const auto file = stage.slots.open(name, 100);
        store(*file, 7, "body");
    }
    stage.slots.open("q.4", 100);  // empty
    stage.start(Stage::generation({[&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        const bool found = seat.slot.view().occupied;
        put<std::int64_t>(seat.slot, slot_header_size, 0);
        stage.lines.say((seat.settle_only ? "extra " : "worker ") + seat.slot.name() +
                        (found ? " settles" : " finds nothing"));
        if (!seat.settle_only) return stage.stay("worker", seat);
        Stage::be_ready(seat);
        return 0;
    }}));
    stage.lines.wait_for("extra");
    stage.lines.wait_for("extra");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("worker q.3 settles"));
    CHECK(stage.lines.has_seen("extra q.8 settles"));
    CHECK(stage.lines.has_seen("extra q.9 settles"));
    CHECK(!stage.lines.has_seen("finds nothing"));
    CHECK(stage.lines.has_seen("error: slot other.0 holds a message of queue other, which is "
                               "configured no more; it is kept until it is configured again"));
    CHECK(stage.occupied_slots() == std::vector<std::string>{"other.0"});
}

TEST_CASE("outcomes of an earlier daemon do not count again") {
    Stage stage;
    {
        const auto file = stage.slots.open("q.0", 100);
        Slot slot(*file);
        receive(slot, 7, "body");
        slot.settle(Tally::handled);
    }
    stage.body_capacity = 50'000;
    stage.start(Stage::generation({stage.patient("a")}));
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("stopped: 0 handled, 0 put off, 0 dead, 0 expired"));
}

}  // TEST_SUITE("supervisor_reload")
