#include "daemon/supervisor.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/stage.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <string>

TEST_SUITE("supervisor_orphans") {

// Slots that nobody works on, of an earlier daemon or an earlier generation, with the batch of an
// intake in them: only an intake knows what to do with one.
using namespace myq;
using namespace myq::test;

namespace {

using Role = WorkerSpec::Role;

// Says what it does on which slot, and empties it.
Body settles(Stage& stage, const std::string& name) {
    return [&stage, name](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        const bool found = seat.slot.view().occupied;
        put<std::int64_t>(seat.slot, slot_header_size, 0);
        stage.lines.say(name + (seat.settle_only ? " settles extra " : " works on ") +
                        seat.slot.name() + (found ? ", occupied" : ", empty"));
        if (!seat.settle_only) return stage.stay(name, seat);
        Stage::be_ready(seat);
        return 0;
    };
}

void occupy(const Stage& stage, const std::string& name) {
    store(*stage.slots.open(name, 100), 1, "left behind");
}

}  // namespace

TEST_CASE("an intake takes up the batch that another left, and never a worker's message") {
    Stage stage;
    for (const char* name : {"q+3", "q.5"})
        occupy(stage, name);
    Generation generation;
    generation.workers = {Stage::spec(settles(stage, "receiver")),
                          Stage::spec(settles(stage, "intake"), Role::intake)};
    stage.start(generation);
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("receiver works on q.5, occupied"));
    CHECK(stage.lines.has_seen("intake works on q+3, occupied"));
    CHECK(!stage.lines.has_seen("settles extra"));
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("a batch more than there are intakes is settled by an intake, a message by a worker") {
    Stage stage;
    for (const char* name : {"q+3", "q+4", "q.5", "q.6"})
        occupy(stage, name);
    Generation generation;
    generation.workers = {Stage::spec(settles(stage, "receiver")),
                          Stage::spec(settles(stage, "intake"), Role::intake)};
    stage.start(generation);
    stage.lines.wait_for("settles extra");
    stage.lines.wait_for("settles extra");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("intake settles extra q+4, occupied"));
    CHECK(stage.lines.has_seen("receiver settles extra q.6, occupied"));
    CHECK(stage.lines.count("settles extra") == 2);
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("an intake that comes only on demand settles the batch that was left") {
    Stage stage;
    occupy(stage, "q+0");
    OnDemand relief;
    auto spec = Stage::spec(settles(stage, "relief"), Role::intake);
    spec->leaves_by_itself = true;
    relief.spec = spec;
    relief.ask = [] { return OnDemand::Answer{}; };
    Generation generation;
    generation.workers = {Stage::spec(settles(stage, "receiver"))};
    generation.on_demand = {relief};
    stage.start(generation);
    stage.lines.wait_for("relief settles extra q+0, occupied");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("relief") == 1);
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("a batch of a queue without an intake is kept, and said") {
    Stage stage;
    occupy(stage, "q+0");
    Generation generation;
    generation.workers = {Stage::spec(settles(stage, "receiver"))};
    stage.start(generation);
    stage.lines.wait_for("error: slot q+0 holds");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(!stage.lines.has_seen("settles extra"));
    CHECK(stage.occupied_slots() == std::vector<std::string>{"q+0"});
}

TEST_CASE("a batch that an old intake leaves at a reload is settled by the new one") {
    Stage stage;
    stage.reload = [&] {
        Generation generation;
        generation.workers = {Stage::spec(settles(stage, "receiver")),
                              Stage::spec(settles(stage, "intake"), Role::intake)};
        return generation;
    };
    Generation old;
    old.workers = {Stage::spec(
        [&](const WorkerSeat& seat) {
            become_interruptible(seat.supervisor, [] {});
            Stage::be_ready(seat);
            while (!stop_requested())
                pause();
            store(seat.slot, 1, "batch");
            raise(SIGKILL);
            return 0;
        },
        Role::intake)};
    stage.start(old);
    stage.lines.wait_for("ready");
    stage.send(SIGHUP);
    stage.lines.wait_for("settles extra");
    CHECK(stage.lines.has_seen("intake settles extra q+0, occupied"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("an intake's slot is as large as its spec says, a worker's as the hook does") {
    Stage stage;
    const Body says = [&](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        stage.lines.say(seat.slot.name() + " has " + std::to_string(seat.slot.body_capacity()));
        return stage.stay("it", seat);
    };
    Generation generation;
    auto intake = Stage::spec(says, Role::intake);
    intake->body_capacity = [] { return std::size_t{50'000}; };
    generation.workers = {intake, Stage::spec(says)};
    stage.start(generation);
    stage.lines.wait_for("ready");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("q+0 has 50000"));
    CHECK(stage.lines.has_seen("q.0 has 100"));
}

}  // TEST_SUITE("supervisor_orphans")
