#include "daemon/due_bell.hpp"
#include "daemon/supervisor.hpp"
#include "tests/support/run.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/stage.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <chrono>
#include <memory>
#include <string>

TEST_SUITE("supervisor_on_demand") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

// A worker that is wanted once the bell says "at once", as a journal worker is.
OnDemand on_demand(const DueBell& bell, const Body& body) {
    auto spec = Stage::spec(body, WorkerSpec::Role::journal);
    spec->leaves_by_itself = true;
    OnDemand member;
    member.spec = spec;
    member.fd = bell.supervisor_fd();
    member.ask = [&bell] { return OnDemand::Answer{bell.next() == DueBell::at_once, {}}; };
    member.look_again = [&bell] { bell.announce(DueBell::at_once); };
    return member;
}

// Beside a worker of another queue.
Generation with(Stage& stage, const OnDemand& member) {
    Generation generation = Stage::generation({stage.patient("other")}, "r");
    generation.on_demand.push_back(member);
    return generation;
}

std::chrono::nanoseconds now() {
    return Clock::now().time_since_epoch();
}

std::chrono::nanoseconds time_in(const std::string& line) {
    return std::chrono::nanoseconds{std::stoll(line.substr(line.rfind(' ') + 1))};
}

}  // namespace

TEST_CASE("a worker on demand comes whenever it is wanted, once, and leaves by itself") {
    Stage stage;
    const DueBell bell(DueBell::at_once);
    stage.start(with(stage, on_demand(bell, [&](const WorkerSeat& seat) {
                         become_interruptible(seat.supervisor, [] {});
                         Stage::be_ready(seat);
                         bell.take();
                         stage.lines.say("does its work on " + seat.slot.name());
                         return 0;
                     })));
    stage.lines.wait_for("does its work on q.0");  // there was some when the daemon started
    for (int i = 0; i < 3; ++i) {
        bell.announce(DueBell::at_once);
        stage.lines.wait_for("does its work on q.0");
    }
    bell.announce(DueBell::never - 1);  // it rings, but nothing is wanted
    stage.turn_around();
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("does its work") == 4);
    CHECK(stage.lines.has_seen("info: ready: 1 workers"));
    CHECK(!stage.lines.has_seen("warning"));
}

TEST_CASE("there is one worker on demand at a time, and what was said meanwhile is not lost") {
    Stage stage;
    Lines gate;
    const DueBell bell(DueBell::at_once);
    stage.start(with(stage, on_demand(bell, [&](const WorkerSeat& seat) {
                         Stage::be_ready(seat);
                         bell.take();
                         stage.lines.say("begins");
                         gate.wait_for("go");
                         return 0;
                     })));
    stage.lines.wait_for("begins");
    bell.announce(DueBell::at_once);
    stage.turn_around();
    stage.turn_around();
    CHECK(stage.lines.count("begins") == 1);
    gate.say("go");
    stage.lines.wait_for("begins");
    gate.say("go");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("begins") == 2);
}

TEST_CASE(
    "a worker on demand that was killed is looked after at once: it may have left something") {
    Stage stage;
    Lines orders;
    const DueBell bell(DueBell::at_once);
    stage.start(with(stage, on_demand(bell, [&](const WorkerSeat& seat) {
                         Stage::be_ready(seat);
                         bell.take();
                         const std::string order = orders.wait_for("");
                         stage.lines.say(order + ' ' + std::to_string(now().count()));
                         if (order == "dies") raise(SIGKILL);
                         return 0;
                     })));
    orders.say("dies");
    const auto died = time_in(stage.lines.wait_for("dies"));
    orders.say("works");
    const auto worked = time_in(stage.lines.wait_for("works"));
    CHECK(worked - died < 900ms);  // far from the first pause
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("works") == 1);
    CHECK(stage.lines.has_seen("warning: queue q: a worker ended: killed by SIGKILL"));
}

TEST_CASE("a worker on demand that cannot start is said and tried again after a pause, no more") {
    Stage stage;
    const DueBell bell(DueBell::at_once);
    stage.start(with(stage, on_demand(bell, [&](const WorkerSeat& seat) {
                         stage.lines.say("born " + std::to_string(now().count()));
                         Readiness(std::move(seat.report)).failed("no such luck", 78);
                         return 78;
                     })));
    const auto first = time_in(stage.lines.wait_for("born"));
    const auto second = time_in(stage.lines.wait_for("born"));
    CHECK(second - first >= 1s);
    CHECK(stage.lines.has_seen("error: queue q: no such luck"));
    CHECK(stage.lines.has_seen("warning: queue q: a worker ended: exit status 78"));
    CHECK(!stage.lines.has_seen("other leaves"));
    CHECK(stage.end(SIGTERM) == 0);  // also while it is waited for
}

TEST_CASE("who has no bell is asked again and again") {
    Stage stage;
    OnDemand member;
    auto spec = Stage::spec([&](const WorkerSeat& seat) {
        Stage::be_ready(seat);
        stage.lines.say("comes");
        return 0;
    });
    spec->leaves_by_itself = true;
    member.spec = spec;
    member.ask = [asked = std::make_shared<int>(0)] {
        return OnDemand::Answer{++*asked % 5 == 0, 2ms};
    };
    stage.start(with(stage, member));
    stage.lines.wait_for("comes");
    stage.lines.wait_for("comes");
    CHECK(stage.end(SIGTERM) == 0);
}

TEST_CASE("a stop ends a worker on demand too, and none comes any more") {
    Stage stage;
    const DueBell bell(DueBell::at_once);  // and that stays
    stage.start(with(stage, on_demand(bell, stage.patient("it"))));
    stage.lines.wait_for("it comes");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("it leaves"));
    CHECK(stage.lines.count("it comes") == 1);
}

TEST_CASE("after a reload the new generation's workers on demand come, and the old ones leave") {
    Stage stage;
    const DueBell old_bell(DueBell::at_once);
    const DueBell new_bell(DueBell::at_once);
    stage.reload = [&] { return with(stage, on_demand(new_bell, stage.patient("new"))); };
    stage.start(with(stage, on_demand(old_bell, stage.patient("old"))));
    stage.lines.wait_for("old comes");
    stage.send(SIGHUP);
    stage.lines.wait_for("old leaves");
    if (!stage.lines.has_seen("new comes")) stage.lines.wait_for("new comes");
    old_bell.announce(DueBell::at_once);
    stage.turn_around();
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("old comes") == 1);
    CHECK(stage.lines.count("new comes") == 1);
    CHECK(stage.lines.has_seen("new leaves"));
}

TEST_CASE("what a worker on demand leaves in its slot is settled, though nobody else is there") {
    Stage stage;
    const DueBell bell(DueBell::at_once);
    const DueBell first(DueBell::at_once);  // the others come to nothing
    stage.start(with(stage, on_demand(bell, [&](const WorkerSeat& seat) {
                         become_interruptible(seat.supervisor, [] {});
                         Stage::be_ready(seat);
                         if (seat.settle_only) {
                             put<std::int64_t>(seat.slot, slot_header_size, 0);
                             stage.lines.say("settles after " + seat.last_end);
                             return 0;
                         }
                         bell.take();
                         if (first.take() == DueBell::never) return 0;
                         store(seat.slot, 7, "body");
                         raise(SIGKILL);
                         return 0;
                     })));
    stage.lines.wait_for("settles after killed by SIGKILL");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("a worker on demand for whom there is no slot is said and tried again") {
    Stage stage;
    const DueBell bell(DueBell::at_once);
    OnDemand member = on_demand(bell, [&](const WorkerSeat& seat) {
        Stage::be_ready(seat);
        bell.take();
        stage.lines.say("comes at last");
        return 0;
    });
    auto spec = std::make_shared<WorkerSpec>(*member.spec);
    // More than any tmpfs has, at first.
    spec->body_capacity = [asked = std::make_shared<int>(0)] {
        return ++*asked == 1 ? std::size_t{1} << 45U : std::size_t{100};
    };
    member.spec = spec;
    stage.start(with(stage, member));
    CHECK_NOTHROW(stage.lines.wait_for("comes at last"));
    CHECK(stage.lines.has_seen("no room for the slot q.0"));
    CHECK(!stage.lines.has_seen("other leaves"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("other leaves"));
}

TEST_CASE("a supervisor that waits for a new generation sleeps, whoever is wanted meanwhile") {
    Stage stage;
    Lines gate;
    OnDemand impatient;
    impatient.spec = Stage::spec([](const WorkerSeat&) { return 0; });
    impatient.ask = [] { return OnDemand::Answer{false, 1ms}; };
    stage.reload = [&] {
        return Stage::generation({[&](const WorkerSeat& seat) {
            become_interruptible(seat.supervisor, [] {});
            stage.lines.say("new comes");
            gate.wait_for("go");
            return stage.stay("new", seat);
        }});
    };
    stage.start(with(stage, impatient));
    stage.lines.wait_for("ready");
    stage.send(SIGHUP);
    stage.lines.wait_for("new comes");
    const auto sleeps = [&] {
        const std::string stat = read_file("/proc/" + std::to_string(stage.pid()) + "/stat");
        return stat.find(") S ") != std::string::npos;
    };
    int in_a_row = 0;
    CHECK(eventually([&] {
        in_a_row = sleeps() ? in_a_row + 1 : 0;
        return in_a_row == 20;
    }));
    gate.say("go");
    stage.lines.wait_for("other leaves");
    CHECK(stage.end(SIGTERM) == 0);
}

}  // TEST_SUITE("supervisor_on_demand")
