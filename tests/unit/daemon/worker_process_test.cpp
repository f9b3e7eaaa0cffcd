#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/worker_bench.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <string>

TEST_SUITE("worker_process") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

using State = WorkerProcess::State;

}  // namespace

TEST_CASE("a worker is waiting, starting, ready, leaving, gone") {
    WorkerBench bench([](const WorkerSeat& seat) {
        ready(seat);
        ::pause();
        return 0;
    });
    WorkerProcess& worker = bench.worker;
    CHECK(worker.state() == State::waiting);
    CHECK(*worker.next_event() <= Clock::now());
    worker.spawn();
    CHECK(worker.state() == State::starting);
    CHECK(worker.pid() > 0);
    CHECK(!worker.read_report());
    CHECK(worker.state() == State::ready);
    CHECK(worker.report_fd() == -1);
    CHECK(!worker.next_event());
    worker.ask_to_leave(10s);
    CHECK(worker.state() == State::leaving);
    const auto end = bench.wait_for_end();
    CHECK(end.expected);
    CHECK(end.text == "killed by SIGTERM");
    CHECK(!end.occupied);
    worker.retire();
    CHECK(worker.state() == State::gone);
}

TEST_CASE("a worker that cannot start says why, with an exit code") {
    WorkerBench bench([](const WorkerSeat& seat) {
        Readiness(std::move(seat.report)).failed("plugin resize: gone", 78);
        return 78;
    });
    bench.worker.spawn();
    const auto failure = bench.worker.read_report();
    REQUIRE(failure);
    CHECK(failure->exit_code == 78);
    CHECK(failure->sentence == "plugin resize: gone");
    CHECK(bench.wait_for_end().life == Life::stillborn);
}

TEST_CASE("a very long reason may be cut, but its beginning arrives") {
    const std::string reason(3'000, 'r');
    WorkerBench bench([&](const WorkerSeat& seat) {
        Readiness(std::move(seat.report)).failed(reason, 78);
        return 78;
    });
    bench.worker.spawn();
    const auto failure = bench.worker.read_report();
    REQUIRE(failure);
    CHECK(failure->sentence.size() >= 1'000);
    CHECK(reason.starts_with(failure->sentence));
    bench.wait_for_end();
}

TEST_CASE("a worker that ends without a word reports nothing, and is stillborn") {
    WorkerBench bench([](const WorkerSeat&) { return 4; });
    bench.worker.spawn();
    CHECK(!bench.worker.read_report());
    CHECK(bench.worker.state() == State::starting);
    const auto end = bench.wait_for_end();
    CHECK(end.text == "exit status 4");
    CHECK(!end.expected);
    CHECK(end.life == Life::stillborn);
}

TEST_CASE("a worker that did something is not stillborn") {
    bool is_stillborn = false;
    bool is_occupied = false;
    std::function<void(Slot&)> deed;
    SUBCASE("nothing") {
        is_stillborn = true;
    }
    SUBCASE("settled a message") {
        deed = [](Slot& slot) {
            receive(slot, 7, "x");
            slot.settle(Tally::handled);
        };
    }
    SUBCASE("left a message") {
        deed = [](Slot& slot) { receive(slot, 7, "x"); };
        is_occupied = true;
    }
    SUBCASE("found its slot too small") {
        deed = [](Slot& slot) { slot.need(1'000); };
    }
    WorkerBench bench([&](const WorkerSeat& seat) {
        Slot slot(seat.slot);
        ready(seat);
        if (deed) deed(slot);
        return 0;
    });
    bench.worker.spawn();
    bench.worker.read_report();
    const auto end = bench.wait_for_end();
    CHECK(end.life == (is_stillborn ? Life::stillborn : Life::useful));
    CHECK(end.occupied == is_occupied);
}

TEST_CASE("the pause before the next try doubles from a second to a minute, and starts over") {
    bool works = false;
    WorkerBench bench([&](const WorkerSeat& seat) {
        ready(seat);
        if (works) store(seat.slot, 7, "x");
        return 1;
    });
    const auto live = [&] {
        bench.worker.spawn();
        bench.worker.read_report();
        const auto told = bench.worker.schedule_respawn(bench.wait_for_end().life);
        CHECK(bench.worker.state() == State::waiting);
        CHECK(bench.pause() <= told);
        return std::chrono::round<std::chrono::seconds>(bench.pause());
    };
    for (const auto pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s})
        CHECK(live() == pause);
    works = true;
    CHECK(live() == 0s);
    works = false;
    put<std::int64_t>(bench.worker.slot(), slot_header_size, 0);
    CHECK(live() == 1s);
}

namespace {

// A worker that is killed from outside in each of its lives, after it has done what it is told to.
struct KilledBench {
    enum class Deed { nothing, get_ready, settle, keep_a_message };
    Deed deed = Deed::nothing;
    WorkerBench bench{[this](const WorkerSeat& seat) {
        Slot slot(seat.slot);
        if (deed != Deed::nothing) ready(seat);
        if (deed == Deed::keep_a_message) receive(slot, 7, "x");
        if (deed == Deed::settle) {
            receive(slot, 7, "x");
            slot.settle(Tally::handled);
        }
        raise(SIGKILL);
        return 0;
    }};

    std::chrono::milliseconds live() {
        bench.worker.spawn();
        bench.worker.read_report();
        return bench.worker.schedule_respawn(bench.wait_for_end().life);
    }
};

}  // namespace

TEST_CASE("who is killed from outside is replaced at once, and after pauses up to 5 s when that "
          "goes on") {
    KilledBench killed;
    SUBCASE("before it is ready") {}
    SUBCASE("with nothing to do") {
        killed.deed = KilledBench::Deed::get_ready;
    }
    SUBCASE("with a message that it does not come to settle") {
        killed.deed = KilledBench::Deed::keep_a_message;
    }
    for (const auto pause :
         {0ms, 50ms, 100ms, 200ms, 400ms, 800ms, 1'600ms, 3'200ms, 5'000ms, 5'000ms})
        CHECK(killed.live() == pause);
}

TEST_CASE("a worker that settles a message ends the row of kills") {
    KilledBench killed;
    CHECK(killed.live() == 0ms);
    CHECK(killed.live() == 50ms);
    killed.deed = KilledBench::Deed::settle;
    CHECK(killed.live() == 0ms);
    CHECK(killed.live() == 0ms);
    killed.deed = KilledBench::Deed::nothing;
    CHECK(killed.live() == 0ms);
    CHECK(killed.live() == 50ms);
}

TEST_CASE(
    "a worker that is ready for a second with nothing to do ends the row of kills, a busy one "
    "does not") {
    bool is_busy = false;
    SUBCASE("idle") {}
    SUBCASE("busy") {
        is_busy = true;
    }
    bool stays = false;
    Lines lines;
    WorkerBench bench([&](const WorkerSeat& seat) {
        if (stays) ready(seat);
        if (stays && is_busy) store(seat.slot, 7, "x");
        if (!stays) raise(SIGKILL);
        lines.say("stays");
        for (;;)
            ::pause();
        return 0;
    });
    WorkerProcess& worker = bench.worker;
    worker.spawn();
    worker.schedule_respawn(bench.wait_for_end().life);
    stays = true;
    worker.spawn();
    worker.read_report();
    lines.wait_for("stays");
    const auto look = worker.next_event();
    REQUIRE(look);
    CHECK(*look > Clock::now());
    worker.tick(*look - 1ms);
    CHECK(worker.next_event() == look);
    worker.tick(*look);
    CHECK(worker.next_event() == (is_busy ? std::optional{*look + 1s} : std::nullopt));
    ::kill(worker.pid(), SIGKILL);
    CHECK(worker.schedule_respawn(bench.wait_for_end().life) == (is_busy ? 50ms : 0ms));
}

TEST_CASE("kills between failures shorten no pause, and failures between kills neither") {
    RespawnPace pace;
    CHECK(pace.after(Life::stillborn) == 1s);
    CHECK(pace.after(Life::killed) == 0s);
    CHECK(pace.after(Life::stillborn) == 2s);
    CHECK(pace.after(Life::killed) == 50ms);
    CHECK(pace.after(Life::useful) == 0s);
    CHECK(pace.after(Life::killed) == 0s);
    CHECK(pace.after(Life::stillborn) == 1s);
}

TEST_CASE("a worker that waits for its next try needs no asking") {
    WorkerBench bench([](const WorkerSeat&) { return 0; });
    bench.worker.ask_to_leave(10s);
    CHECK(bench.worker.state() == State::gone);
    bench.worker.ask_to_leave(10s);
    CHECK(bench.worker.state() == State::gone);
}

TEST_CASE("SIGTERM is repeated until patience ends in SIGKILL") {
    static Lines* lines = nullptr;
    Lines pipe;
    lines = &pipe;
    WorkerBench bench([](const WorkerSeat& seat) {
        struct sigaction action {};
        action.sa_handler = [](int) { lines->say("asked"); };
        action.sa_flags = SA_NODEFER;  // or it would be taken for deaf while it speaks
        sigaction(SIGTERM, &action, nullptr);
        ready(seat);
        for (;;)
            ::pause();
        return 0;
    });
    WorkerProcess& worker = bench.worker;
    worker.spawn();
    worker.read_report();
    worker.ask_to_leave(60s);
    pipe.wait_for("asked");
    for (int i = 0; i < 3; ++i) {
        const auto due = *worker.next_event();
        CHECK(due > Clock::now() - 1s);
        worker.tick(due - 1ms);  // not yet
        worker.tick(due);
        pipe.wait_for("asked");
    }
    worker.ask_to_leave(0s);  // whoever is in more of a hurry wins
    const auto end = bench.wait_for_end();
    CHECK(end.text == "killed by SIGKILL");
    CHECK(end.expected);
}

TEST_CASE("a worker is asked to leave when its handler's time is up, and not before") {
    WorkerBench bench([](const WorkerSeat& seat) {
        Slot slot(seat.slot);
        receive(slot, 7, "x");
        slot.begin_attempt((Clock::now() + 1h).time_since_epoch().count());
        ready(seat);
        ::pause();
        return 0;
    });
    WorkerProcess& worker = bench.worker;
    worker.spawn();
    worker.read_report();
    worker.tick(Clock::now() + 59min);
    CHECK(worker.state() == State::ready);
    worker.tick(Clock::now() + 61min);
    CHECK(worker.state() == State::leaving);
    const auto end = bench.wait_for_end();
    CHECK(end.text == "the handler's timeout ran out");
    CHECK(!end.expected);
    CHECK(end.occupied);
}

TEST_CASE("the next worker is told how the last one ended") {
    Lines lines;
    WorkerBench bench([&](const WorkerSeat& seat) {
        lines.say("after '" + seat.last_end + "'");
        CHECK(seat.supervisor == getppid());
        raise(SIGABRT);
        return 0;
    });
    bench.worker.spawn();
    bench.wait_for_end();
    bench.worker.spawn();
    bench.wait_for_end();
    CHECK(lines.wait_for("after") == "after ''");
    CHECK(lines.wait_for("after") == "after 'killed by SIGABRT'");
}

}  // TEST_SUITE("worker_process")
