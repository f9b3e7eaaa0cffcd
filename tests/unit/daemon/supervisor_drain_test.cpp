#include "daemon/supervisor.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/stage.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <chrono>
#include <string>

TEST_SUITE("supervisor_drain") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

// Says what it finds, and empties its slot.
Body empties(Stage& stage, const std::string& what) {
    return [&stage, what](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        const bool found = seat.slot.view().occupied;
        stage.lines.say("drains " + what + " on " + seat.slot.name() +
                        (found ? ", which is occupied" : ""));
        Stage::be_ready(seat);
        put<std::int64_t>(seat.slot, slot_header_size, 0);
        return 0;
    };
}

Drain drain(Stage& stage, const std::string& queue = "q") {
    return {Stage::spec(empties(stage, "queue " + queue), WorkerSpec::Role::intake, queue),
            Stage::spec(empties(stage, "slot"), WorkerSpec::Role::receiver, queue)};
}

// Leaves a message behind when it is asked to leave.
Body forgetful(Stage& stage) {
    return [&stage](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        stage.stay("worker", seat);
        store(seat.slot, 7, "body");
        return 0;
    };
}

}  // namespace

TEST_CASE("a stop by SIGTERM drains once the last worker is gone") {
    Stage stage;
    Generation generation = Stage::generation({stage.patient("a"), forgetful(stage)});
    generation.drains = {drain(stage), drain(stage, "other")};
    stage.start(generation);
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGTERM) == 0);
    CHECK(stage.lines.rest().back() == "run returns");
    CHECK(stage.lines.came_before("a leaves", "drains"));
    CHECK(stage.lines.came_before("worker leaves", "drains"));
    CHECK(stage.lines.count("drains queue q on q+0") == 1);
    CHECK(stage.lines.count("drains queue other on other+0") == 1);
    CHECK(stage.lines.count("drains slot on q.1, which is occupied") == 1);
    CHECK(stage.lines.count("drains") == 3);  // no slot that is empty
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("a stop by SIGINT leaves everything where it is") {
    Stage stage;
    Generation generation = Stage::generation({forgetful(stage)});
    generation.drains = {drain(stage)};
    stage.start(generation);
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGINT) == 0);
    stage.lines.rest();
    CHECK(!stage.lines.has_seen("drains"));
    CHECK(stage.occupied_slots() == std::vector<std::string>{"q.0"});
}

TEST_CASE("a stop while workers still start does not drain") {
    Stage stage;
    Generation generation = Stage::generation({[&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        stage.lines.say("starting");
        while (!stop_requested())
            pause();
        return 0;
    }});
    generation.drains = {drain(stage)};
    stage.start(generation);
    stage.lines.wait_for("starting");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(!stage.lines.has_seen("drains"));
}

TEST_CASE("a stop drains also when no worker lives that it could wait for") {
    Stage stage;
    Generation generation = Stage::generation({[](const WorkerSeat& seat) {
        Stage::be_ready(seat);
        return 3;
    }});
    generation.drains = {drain(stage)};
    stage.start(generation);
    stage.lines.wait_for("a worker ended: exit status 3");
    stage.turn_around();
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("drains queue q") == 1);
}

TEST_CASE("what is drained of slots: those of the queue, also with rows only claimed, no batch") {
    Stage stage;
    {
        // Of an earlier daemon; the intake of the drain takes this one itself.
        const auto batch = stage.slots.open("q+4", 100);
        store(*batch, 1, "batch");
        const auto strange = stage.slots.open("other.0", 100);
        store(*strange, 7, "body");
    }
    Generation generation = Stage::generation({[&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        stage.stay("worker", seat);
        Slot(seat.slot).hold_claims(true);
        return 0;
    }});
    generation.drains = {drain(stage)};
    stage.start(generation);
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("drains queue q on q+4, which is occupied") == 1);
    CHECK(stage.lines.count("drains slot on q.0, which is occupied") == 1);
    CHECK(stage.lines.count("drains") == 2);
    CHECK(stage.occupied_slots() == std::vector<std::string>{"other.0"});
}

TEST_CASE("a drain that takes longer than stop_timeout is ended") {
    Stage stage;
    Generation generation = Stage::generation({stage.patient("a")});
    generation.stop_timeout = 200ms;
    Drain endless = drain(stage);
    endless.queue = Stage::spec(
        [&](const WorkerSeat& seat) {
            signal(SIGTERM, SIG_IGN);
            stage.lines.say("drains for ever");
            store(seat.slot, 1, "batch");
            Stage::be_ready(seat);
            for (;;)
                pause();
            return 0;
        },
        WorkerSpec::Role::intake);
    generation.drains = {endless};
    stage.start(generation);
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGTERM) == 0);
    CHECK(stage.lines.rest().back() == "run returns");
    CHECK(stage.lines.has_seen("drains for ever"));
    CHECK(stage.occupied_slots() == std::vector<std::string>{"q+0"});
}

TEST_CASE("a drain that fails keeps what it did not move, and the stop goes on") {
    Stage stage;
    Generation generation = Stage::generation({forgetful(stage)});
    Drain broken = drain(stage);
    broken.slot = Stage::spec([](const WorkerSeat&) { return 3; });
    generation.drains = {broken};
    stage.start(generation);
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("warning: queue q: a worker ended: exit status 3; its message is "
                               "kept and tried again"));
    CHECK(stage.lines.count("drains queue q") == 1);
    CHECK(stage.occupied_slots() == std::vector<std::string>{"q.0"});
}

TEST_CASE("a queue that cannot be drained does not keep the others from it") {
    Stage stage;
    Generation generation = Stage::generation({forgetful(stage)});
    Drain impossible = drain(stage, "large");
    auto spec = Stage::spec([](const WorkerSeat&) { return 0; }, WorkerSpec::Role::intake, "large");
    spec->body_capacity = [] { return std::size_t{1} << 45U; };  // more than any tmpfs has
    impossible.queue = spec;
    generation.drains = {impossible, drain(stage)};
    stage.start(generation);
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("no room for the slot large+0"));
    CHECK(stage.lines.has_seen("drains queue q on q+0"));
    CHECK(stage.lines.has_seen("drains slot on q.0, which is occupied"));
    CHECK(stage.occupied_slots().empty());
}

}  // TEST_SUITE("supervisor_drain")
