#include "daemon/unix/signals.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/worker_bench.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

TEST_SUITE("worker_wear") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

using State = WorkerProcess::State;

void settle(Slot& slot, int messages) {
    for (int i = 0; i < messages; ++i) {
        receive(slot, 7, "x");
        slot.settle(Tally::handled);
    }
}

// Settles so many messages, then is ready and waits.
std::function<int(const WorkerSeat&)> settles(const int& messages) {
    return [&messages](const WorkerSeat& seat) {
        Slot slot(seat.slot);
        settle(slot, messages);
        ready(seat);
        for (;;)
            ::pause();
        return 0;
    };
}

void live(WorkerBench& bench) {
    bench.worker.spawn();
    bench.worker.read_report();
    REQUIRE(bench.worker.state() == State::ready);
}

void end(WorkerBench& bench) {
    ::kill(bench.worker.pid(), SIGKILL);
    bench.wait_for_end();
}

}  // namespace

TEST_CASE("a worker is worn when it has settled its messages, ten percent more or less") {
    struct Row {
        int messages;
        bool is_worn;
    };
    int messages = 0;
    WorkerBench bench(settles(messages), {.max_messages = 100, .max_age = {}, .max_rss = {}});
    // What earlier workers settled in this slot is not its own.
    REQUIRE(in_child([&] {
                Slot slot(bench.worker.slot());
                settle(slot, 1'000);
                return 0;
            }) == 0);
    for (const Row& row : {Row{0, false}, Row{89, false}, Row{111, true}}) {
        CAPTURE(row.messages);
        messages = row.messages;
        for (int i = 0; i < 5; ++i) {
            live(bench);
            CHECK(bench.worker.is_worn(Clock::now()) == row.is_worn);
            end(bench);
        }
    }
    // Each worker has its own limit, so that siblings do not leave together.
    messages = 100;
    int worn = 0;
    for (int i = 0; i < 40; ++i) {
        live(bench);
        worn += bench.worker.is_worn(Clock::now()) ? 1 : 0;
        end(bench);
    }
    CHECK(worn > 0);
    CHECK(worn < 40);
}

TEST_CASE("a worker is worn when it is old, or large, and without a limit never") {
    const int none = 0;
    const auto now = [] { return Clock::now(); };
    SUBCASE("old") {
        WorkerBench bench(settles(none), {.max_messages = {}, .max_age = 100h, .max_rss = {}});
        live(bench);
        CHECK(!bench.worker.is_worn(now()));
        CHECK(!bench.worker.is_worn(now() + 89h));
        CHECK(bench.worker.is_worn(now() + 111h));
        end(bench);
    }
    SUBCASE("large") {
        const std::uint64_t page_bytes = page;
        WorkerBench bench(settles(none),
                          {.max_messages = {}, .max_age = {}, .max_rss = page_bytes});
        live(bench);
        CHECK(bench.worker.is_worn(now()));
        end(bench);
    }
    SUBCASE("not that large") {
        WorkerBench bench(settles(none),
                          {.max_messages = {}, .max_age = {}, .max_rss = std::uint64_t{1} << 40U});
        live(bench);
        CHECK(!bench.worker.is_worn(now()));
        end(bench);
    }
    SUBCASE("no limit") {
        const int many = 10'000;
        WorkerBench bench(settles(many));
        live(bench);
        CHECK(!bench.worker.is_worn(now() + 100'000h));
        end(bench);
    }
}

TEST_CASE("only a worker that is ready and has no successor yet is worn") {
    const int none = 0;
    WorkerBench bench(settles(none), {.max_messages = {}, .max_age = 1s, .max_rss = {}});
    const auto later = [] { return Clock::now() + 1h; };
    CHECK(!bench.worker.is_worn(later()));  // waiting
    bench.worker.spawn();
    CHECK(!bench.worker.is_worn(later()));  // starting
    bench.worker.read_report();
    CHECK(bench.worker.is_worn(later()));
    CHECK(!bench.worker.is_replaced());
    bench.worker.replace();
    CHECK(bench.worker.is_replaced());
    CHECK(!bench.worker.is_worn(later()));
    end(bench);
    CHECK(!bench.worker.is_worn(later()));  // gone
}

TEST_CASE("a worker that leaves is not worn") {
    const int none = 0;
    WorkerBench bench(settles(none), {.max_messages = {}, .max_age = 1s, .max_rss = {}});
    live(bench);
    bench.worker.ask_to_leave(10s);
    CHECK(!bench.worker.is_worn(Clock::now() + 1h));
    bench.wait_for_end();
}

TEST_CASE("a worker opens its log anew, and one that starts does so once it can") {
    static const Lines* log = nullptr;
    Lines lines;
    log = &lines;
    Lines gate;
    WorkerBench bench([&](const WorkerSeat& seat) {
        lines.say("born");
        gate.wait_for("go");  // SIGUSR1 would end it here
        become_interruptible(seat.supervisor, [] { log->say("opens"); });
        ready(seat);
        while (!stop_requested())
            ::pause();
        return 0;
    });
    WorkerProcess& worker = bench.worker;
    worker.reopen_log();  // there is none: signals nobody
    worker.spawn();
    lines.wait_for("born");
    worker.reopen_log();
    worker.reopen_log();
    gate.say("go");
    CHECK(!worker.read_report());
    lines.wait_for("opens");
    worker.reopen_log();
    lines.wait_for("opens");
    worker.ask_to_leave(60s);
    CHECK(bench.wait_for_end().text == "exit status 0");
    worker.reopen_log();  // no more
}

TEST_CASE("a worker that was to open its log while it started, and died, hands that to nobody") {
    bool dies = true;
    WorkerBench bench([&](const WorkerSeat& seat) {
        if (dies) return 3;
        ready(seat);
        ::pause();  // with SIGUSR1 at its default, that would be the end
        return 0;
    });
    bench.worker.spawn();
    bench.worker.reopen_log();
    bench.wait_for_end();
    dies = false;
    live(bench);
    bench.worker.ask_to_leave(60s);
    CHECK(bench.wait_for_end().text == "killed by SIGTERM");
}

}  // TEST_SUITE("worker_wear")
