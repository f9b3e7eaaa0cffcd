#include "daemon/standby.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

TEST_SUITE("standby") {

using namespace myq;
using namespace std::chrono_literals;

namespace {

// Members whose answers the test gives, and which of them it says that run.
struct Bench {
    struct Member {
        OnDemand::Answer answer;
        int asked = 0, looks = 0;
        bool runs = false;
        Fd bell{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};

        void ring() const {
            const std::uint64_t one = 1;
            REQUIRE(::write(bell.value(), &one, sizeof one) == sizeof one);
        }
        bool rings() const {
            pollfd readable{bell.value(), POLLIN, 0};
            return ::poll(&readable, 1, 0) == 1;
        }
    };

    explicit Bench(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            Member& member = *members.emplace_back(std::make_unique<Member>());
            OnDemand& made = on_demand.emplace_back();
            made.spec = std::make_shared<WorkerSpec>(WorkerSpec{std::to_string(i), {}});
            made.fd = member.bell.value();
            made.ask = [&member] {
                ++member.asked;
                return member.answer;
            };
            made.look_again = [&member] { ++member.looks; };
        }
    }

    // The queues of those that are wanted: "0 2 ".
    static std::string wanted(Standby& standby, const Bench& bench) {
        std::string names;
        const auto runs = [&](const WorkerSpec& spec) {
            return bench.members.at(std::stoul(spec.queue))->runs;
        };
        for (const auto& spec : standby.wanted(runs))
            names += spec->queue + ' ';
        return names;
    }

    const WorkerSpec& spec(std::size_t i) const { return *on_demand.at(i).spec; }
    Member& at(std::size_t i) const { return *members.at(i); }

    std::vector<std::unique_ptr<Member>> members;
    std::vector<OnDemand> on_demand;
};

std::string wanted(Standby& standby, const Bench& bench) {
    return Bench::wanted(standby, bench);
}

// The pause that ended() began, to the length of the call.
struct Pause {
    Clock::duration least, most;
};
template <typename End>
Pause pause_after(Standby& standby, const Bench& bench, End end) {
    const Clock::time_point before = Clock::now();
    end();
    const Clock::time_point after = Clock::now();
    wanted(standby, bench);
    return {standby.next_look() - after, standby.next_look() - before};
}

}  // namespace

TEST_CASE("those that are wanted come, and nobody is asked who runs") {
    const Bench bench(3);
    Standby standby(bench.on_demand);
    CHECK(wanted(standby, bench).empty());
    CHECK(standby.next_look() == Clock::time_point::max());
    bench.at(0).answer.is_wanted = true;
    bench.at(2).answer.is_wanted = true;
    CHECK(wanted(standby, bench) == "0 2 ");
    bench.at(2).runs = true;
    CHECK(wanted(standby, bench) == "0 ");
    CHECK(bench.at(1).asked == 3);
    CHECK(bench.at(2).asked == 2);
}

TEST_CASE("a bell is silenced by the look, also that of one who runs") {
    const Bench bench(2);
    Standby standby(bench.on_demand);
    CHECK(standby.fds() == std::vector<int>{bench.at(0).bell.value(), bench.at(1).bell.value()});
    bench.at(0).ring();
    bench.at(1).ring();
    bench.at(1).runs = true;
    wanted(standby, bench);
    CHECK(!bench.at(0).rings());
    CHECK(!bench.at(1).rings());
}

TEST_CASE("who has no bell is asked again when it said") {
    Bench bench(3);
    bench.on_demand[0].fd = -1;
    Standby standby(bench.on_demand);
    CHECK(standby.fds().size() == 2);
    bench.at(0).answer.ask_again = 200ms;
    bench.at(1).answer.ask_again = 10min;
    const Clock::time_point before = Clock::now();
    wanted(standby, bench);
    CHECK(standby.next_look() >= before + 200ms);
    CHECK(standby.next_look() <= Clock::now() + 200ms);
    bench.at(0).runs = true;
    wanted(standby, bench);
    CHECK(standby.next_look() >= before + 10min);
    CHECK(standby.next_look() <= Clock::now() + 10min);
    bench.at(1).runs = true;
    wanted(standby, bench);
    CHECK(standby.next_look() == Clock::time_point::max());
}

TEST_CASE("who ended in order comes again as soon as it is wanted") {
    const Bench bench(1);
    Standby standby(bench.on_demand);
    bench.at(0).answer.is_wanted = true;
    standby.ended(bench.spec(0), true, Life::useful);
    CHECK(wanted(standby, bench) == "0 ");
    CHECK(bench.at(0).looks == 0);
}

TEST_CASE("who ended out of turn may have left work behind: somebody looks again") {
    const Bench bench(2);
    Standby standby(bench.on_demand);
    bench.at(0).answer.is_wanted = true;
    standby.ended(bench.spec(0), false, Life::useful);
    CHECK(bench.at(0).looks == 1);
    CHECK(bench.at(1).looks == 0);
    CHECK(wanted(standby, bench) == "0 ");
    const WorkerSpec stranger{"0", {}};
    standby.ended(stranger, false, Life::stillborn);
    CHECK(bench.at(0).looks == 1);
    CHECK(wanted(standby, bench) == "0 ");
}

TEST_CASE("who looks nowhere needs no function for that") {
    Bench bench(1);
    bench.on_demand[0].look_again = nullptr;
    Standby standby(bench.on_demand);
    CHECK_NOTHROW(standby.ended(bench.spec(0), false, Life::useful));
}

TEST_CASE("who is stillborn comes after a pause that doubles from a second to a minute") {
    const Bench bench(2);
    Standby standby(bench.on_demand);
    bench.at(0).answer.is_wanted = true;
    const auto die = [&] { standby.ended(bench.spec(0), false, Life::stillborn); };
    for (const auto pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        const Pause found = pause_after(standby, bench, die);
        CHECK(found.least <= pause);
        CHECK(found.most >= pause);
        CHECK(wanted(standby, bench).empty());
    }
    CHECK(bench.at(0).asked == 0);  // nor is it asked meanwhile
    // What lived begins anew.
    standby.ended(bench.spec(0), false, Life::useful);
    CHECK(wanted(standby, bench) == "0 ");
    const Pause found = pause_after(standby, bench, die);
    CHECK(found.least <= 1s);
    CHECK(found.most >= 1s);
    // And nobody else has to wait.
    bench.at(1).answer.is_wanted = true;
    CHECK(wanted(standby, bench) == "1 ");
}

TEST_CASE("who was killed from outside comes at once, and the second time in a row after a pause") {
    const Bench bench(1);
    Standby standby(bench.on_demand);
    bench.at(0).answer.is_wanted = true;
    CHECK(standby.ended(bench.spec(0), false, Life::killed) == 0ms);
    CHECK(wanted(standby, bench) == "0 ");
    const Pause found = pause_after(
        standby, bench, [&] { CHECK(standby.ended(bench.spec(0), false, Life::killed) == 50ms); });
    CHECK(found.least <= 50ms);
    CHECK(found.most >= 50ms);
}

}  // TEST_SUITE("standby")
