#include "daemon/supervisor.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/stage.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <memory>
#include <string>

TEST_SUITE("supervisor_recycle") {

using namespace myq;
using namespace myq::test;

namespace {

// Wears out at once on a slot that nobody has worked on yet, and never on another.
Body wears_out(Stage& stage) {
    return [&stage](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        const std::string name = seat.slot.name();
        stage.lines.say(name + " comes");
        Slot slot(seat.slot);
        if (seat.slot.view().messages == 0 && name < "q.2") {
            for (int i = 0; i < 20; ++i) {
                receive(slot, 7, "x");
                slot.settle(Tally::handled);
            }
        }
        return stage.stay(name, seat);
    };
}

std::shared_ptr<WorkerSpec> recycled(const Body& body) {
    auto spec = Stage::spec(body);
    spec->recycle.max_messages = 10;
    return spec;
}

}  // namespace

TEST_CASE("a worn worker leaves when its successor is ready, and nobody follows it") {
    Stage stage;
    Lines gate;
    Generation generation;
    generation.workers = {recycled([&](const WorkerSeat& seat) {
        if (seat.slot.name() == "q.1") {
            stage.lines.say("successor comes");
            gate.wait_for("go");
            become_interruptible(seat.supervisor, [] {});
            return stage.stay("successor", seat);
        }
        return wears_out(stage)(seat);
    })};
    stage.start(generation);
    stage.lines.wait_for("is replaced by a fresh one");
    stage.lines.wait_for("successor comes");
    stage.turn_around();
    stage.turn_around();
    CHECK(!stage.lines.has_seen("q.0 leaves"));  // somebody is there at any time
    gate.say("go");
    stage.lines.wait_for("q.0 leaves");
    stage.turn_around();
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("q.0 comes") == 1);
    CHECK(stage.lines.count("successor comes") == 1);
    CHECK(stage.lines.has_seen("successor leaves"));
    CHECK(stage.lines.count("is replaced") == 1);
    CHECK(!stage.lines.has_seen("warning"));
    CHECK(stage.lines.has_seen("stopped: 20 handled"));
}

TEST_CASE("workers are replaced one at a time") {
    Stage stage;
    Generation generation;
    generation.workers = {recycled(wears_out(stage)), recycled(wears_out(stage))};
    stage.start(generation);
    stage.lines.wait_for("is replaced by a fresh one");
    stage.lines.wait_for("is replaced by a fresh one");
    // Three at most, two at least: the first one had left before the second was replaced.
    CHECK(stage.lines.count("comes") == 3);
    CHECK(stage.lines.count("leaves") == 1);
    stage.lines.wait_for("leaves");
    CHECK(stage.lines.count("comes") == 4);
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("is replaced") == 2);
    CHECK(stage.lines.count("leaves") == 4);
}

TEST_CASE("a worn worker stays as long as its successor cannot start") {
    Stage stage;
    Generation generation;
    generation.workers = {recycled([&](const WorkerSeat& seat) {
        if (seat.slot.name() == "q.0") return wears_out(stage)(seat);
        Readiness(std::move(seat.report)).failed("no such luck", 78);
        return 78;
    })};
    stage.start(generation);
    stage.lines.wait_for("is replaced by a fresh one");
    stage.lines.wait_for("error: queue q: no such luck");
    stage.lines.wait_for("error: queue q: no such luck");
    CHECK(!stage.lines.has_seen("q.0 leaves"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("is replaced") == 1);
    CHECK(stage.lines.count("q.0 leaves") == 1);
}

TEST_CASE("a worn worker for whose successor there is no slot works on") {
    Stage stage;
    auto spec = recycled(wears_out(stage));
    // More than any tmpfs has, but for the first one.
    spec->body_capacity = [asked = std::make_shared<int>(0)] {
        return ++*asked <= 2 ? std::size_t{100} : std::size_t{1} << 45U;
    };
    Generation generation;
    generation.workers = {spec};
    stage.start(generation);
    CHECK_NOTHROW(stage.lines.wait_for("no room for the slot q.1"));
    stage.turn_around();
    CHECK(!stage.lines.has_seen("q.0 leaves"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("q.0 leaves"));
}

TEST_CASE("what a worn worker leaves in its slot when it dies is settled") {
    Stage stage;
    Generation generation;
    generation.workers = {recycled([&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        if (seat.settle_only) {
            stage.lines.say("settles " + seat.slot.name() + " after " + seat.last_end);
            put<std::int64_t>(seat.slot, slot_header_size, 0);
            Stage::be_ready(seat);
            return 0;
        }
        if (seat.slot.name() != "q.0") return stage.stay("successor", seat);
        {
            Slot slot(seat.slot);
            for (int i = 0; i < 20; ++i) {
                receive(slot, 7, "x");
                slot.settle(Tally::handled);
            }
        }
        Stage::be_ready(seat);
        while (!stop_requested())
            pause();
        store(seat.slot, 7, "in hand");
        raise(SIGSEGV);
        return 0;
    })};
    stage.start(generation);
    stage.lines.wait_for("settles q.0 after killed by SIGSEGV");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.occupied_slots().empty());
    CHECK(stage.lines.has_seen("successor leaves"));
}

}  // TEST_SUITE("supervisor_recycle")
