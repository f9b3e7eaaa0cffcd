#include "daemon/supervisor.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/stage.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/eventfd.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>

TEST_SUITE("supervisor_delivery") {

using namespace myq;
using namespace myq::test;

namespace {

// Delivers what the test has laid ready, one whenever it says so, and tells what becomes of it.
class Post : public Deliveries {
public:
    explicit Post(Stage& stage) : stage_(stage) { stage.deliveries = this; }

    std::deque<Delivery> ready;
    std::optional<Generation> other_start;
    bool is_slow = false;  // the code of before comes only when the test sends it
    void send() const { ::eventfd_write(bell_.value(), 1); }

    std::vector<int> fds() const override { return {bell_.value()}; }
    std::optional<Clock::time_point> next_look() const override { return std::nullopt; }
    void look() override {
        eventfd_t count = 0;
        if (::eventfd_read(bell_.value(), &count) == 0) due_ += count;
    }
    std::optional<Delivery> next(const Generation&) override {
        if (due_ == 0 || ready.empty()) return std::nullopt;
        --due_;
        Delivery delivery = ready.front();
        ready.pop_front();
        return delivery;
    }
    void accepted() override { stage_.lines.say("accepted"); }
    void works_alone() override { stage_.lines.say("works alone"); }
    void rejected(const std::string& reason) override {
        stage_.lines.say("rejected: " + reason);
        if (!is_slow) ++due_;  // what brings the code of before, if the test has laid it ready
    }
    void postponed() override { stage_.lines.say("postponed"); }
    std::optional<Generation> without_culprits() override {
        return std::exchange(other_start, std::nullopt);
    }

private:
    Stage& stage_;
    Fd bell_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    eventfd_t due_ = 0;
};

// `count` workers with the same code, the first of them the canary.
Delivery delivery(const Body& body, int count, const std::string& queue = "q") {
    Delivery made;
    for (int i = 0; i < count; ++i)
        made.generation.workers.push_back(Stage::spec(body, WorkerSpec::Role::receiver, queue));
    made.canaries = {made.generation.workers.front()};
    made.change = [](const std::string&, std::int64_t type) {
        return type == 9 ? CodeChange::none : CodeChange::replaced;
    };
    return made;
}

// Is ready, and then settles or does whatever `act` does; stays afterwards.
Body acting(Stage& stage, const std::string& name, const std::function<void(Slot&)>& act) {
    return [&stage, name, act](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        stage.lines.say(name + " comes");
        Stage::be_ready(seat);
        {
            Slot slot(seat.slot);
            act(slot);
        }
        while (!stop_requested())
            ::pause();
        stage.lines.say(name + " leaves");
        return 0;
    };
}

// Takes what is in the slot, and says what it was told of it.
Body settling(Stage& stage, const std::string& name) {
    return [&stage, name](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        if (!seat.settle_only) return stage.stay(name, seat);
        const bool is_trial = seat.cause == WorkerSeat::Cause::on_trial;
        stage.lines.say(name + " settles " + (is_trial ? "a trial" : "no trial") + " after " +
                        seat.last_end);
        put<std::int64_t>(seat.slot, slot_header_size, 0);
        Stage::be_ready(seat);
        return 0;
    };
}

[[noreturn]] void die_over(Slot& slot, std::int64_t type, int signal = SIGSEGV) {
    receive(slot, type, "body");
    raise(signal);
    abort();
}

// Is ready; whichever of them is told to dies over a message of type 7.
Body dying_when_told(const Lines& gate) {
    return [&gate](const WorkerSeat& seat) {
        become_interruptible(seat.supervisor, [] {});
        Stage::be_ready(seat);
        pollfd told{gate.in(), POLLIN, 0};
        while (!stop_requested()) {
            char word = 0;
            if (::poll(&told, 1, -1) <= 0 || ::read(gate.in(), &word, 1) != 1) continue;
            Slot slot(seat.slot);
            die_over(slot, 7);
        }
        return 0;
    };
}

void tell_to_die(const Lines& gate) {
    REQUIRE(::write(gate.out(), "!", 1) == 1);
}

}  // namespace

TEST_CASE("a delivery: one worker first, beside those of before, then all, and those leave") {
    Stage stage;
    Post post(stage);
    post.ready = {delivery(stage.patient("new"), 3)};
    stage.start(Stage::generation({stage.patient("old"), stage.patient("old")}));
    stage.lines.wait_for("ready: 2 workers");
    post.send();
    stage.lines.wait_for("new comes");
    stage.lines.wait_for("new comes");
    CHECK(!stage.lines.has_seen("old leaves"));
    stage.lines.wait_for("works alone");
    CHECK(stage.lines.count("new comes") == 3);
    CHECK(stage.lines.count("old leaves") == 2);
    CHECK(stage.lines.came_before("accepted", "works alone"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("new leaves") == 3);
    CHECK(!stage.lines.has_seen("rejected"));
    CHECK(!stage.lines.has_seen("warning"));
}

TEST_CASE("a delivery for the only worker of a queue leaves other queues alone") {
    Stage stage;
    Post post(stage);
    Generation first = Stage::generation({stage.patient("old")});
    const auto other = Stage::spec(stage.patient("other"), WorkerSpec::Role::receiver, "r");
    first.workers.push_back(other);
    Delivery fresh = delivery(stage.patient("new"), 1);
    fresh.generation.workers.push_back(other);
    post.ready = {fresh};
    stage.start(first);
    stage.lines.wait_for("ready: 2 workers");
    post.send();
    stage.lines.wait_for("works alone");
    CHECK(!stage.lines.has_seen("other leaves"));
    CHECK(stage.lines.has_seen("old leaves"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("other comes") == 1);
}

TEST_CASE("a delivery whose canary cannot start is rejected, with its own reason") {
    Stage stage;
    Post post(stage);
    std::string reason = "rejected: queue q: no such luck";
    Body bad = [](const WorkerSeat& seat) {
        Readiness(std::move(seat.report)).failed("no such luck", 78);
        return 78;
    };
    SUBCASE("with a word") {}
    SUBCASE("without one") {
        bad = [](const WorkerSeat&) { return 9; };
        reason = "rejected: queue q: its worker ended: exit status 9";
    }
    post.ready = {delivery(bad, 2)};
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready");
    post.send();
    stage.lines.wait_for(reason);
    stage.turn_around();
    CHECK(!stage.lines.has_seen("old leaves"));
    CHECK(!stage.lines.has_seen("accepted"));
    CHECK(stage.end(SIGTERM) == 0);
}

TEST_CASE("what a canary dies over is settled by the code of before, and its attempt was none") {
    Stage stage;
    Post post(stage);
    post.ready = {delivery(acting(stage, "new", [](Slot& slot) { die_over(slot, 7); }), 2)};
    stage.start(Stage::generation({settling(stage, "old")}));
    stage.lines.wait_for("ready");
    post.send();
    stage.lines.wait_for("old settles a trial after killed by SIGSEGV");
    CHECK(stage.lines.has_seen(
        "rejected: queue q: its worker ended over a message of type 7: killed by SIGSEGV"));
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("new comes") == 1);
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("a canary that is killed from outside comes again, and not for ever") {
    Stage stage;
    Post post(stage);
    post.ready = {delivery(
        [&](const WorkerSeat& seat) {
            become_interruptible(seat.supervisor, [] {});
            stage.lines.say("new comes");
            Stage::be_ready(seat);
            raise(SIGKILL);
            return 0;
        },
        1)};
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready");
    post.send();
    stage.lines.wait_for("rejected: queue q: its worker ended: killed by SIGKILL");
    CHECK(stage.lines.count("new comes") == 3);
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(!stage.lines.has_seen("accepted"));
}

TEST_CASE("a canary that dies over a message of other code is not to blame") {
    Stage stage;
    Post post(stage);
    post.ready = {delivery(
        [&](const WorkerSeat& seat) {
            become_interruptible(seat.supervisor, [] {});
            if (!seat.slot.view().occupied) {
                stage.lines.say("new comes");
                Stage::be_ready(seat);
                Slot slot(seat.slot);
                die_over(slot, 9);
            }
            put<std::int64_t>(seat.slot, slot_header_size, 0);
            return stage.stay("new", seat);
        },
        1)};
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready");
    post.send();
    stage.lines.wait_for("works alone");
    CHECK(!stage.lines.has_seen("rejected"));
    CHECK(stage.end(SIGTERM) == 0);
}

TEST_CASE(
    "code that fails more often than that of before is rejected, if that does too, it is not") {
    Stage stage;
    Post post(stage);
    const auto with_outcomes = [](int handled, int failed) {
        return [=](Slot& slot) {
            for (int i = 0; i < handled + failed; ++i) {
                receive(slot, 7, "x");
                slot.settle(i < handled ? Tally::handled : Tally::retried);
            }
        };
    };
    int failed_before = 0;
    std::string verdict = "rejected: queue q: 10 of 30 messages failed, 0 of 100 did before";
    SUBCASE("it is worse") {}
    SUBCASE("it is not") {
        failed_before = 25;
        verdict = "works alone";
    }
    post.ready = {delivery(acting(stage, "new", with_outcomes(20, 10)), 1)};
    stage.start(Stage::generation(
        {[&, act = with_outcomes(100 - failed_before, failed_before)](const WorkerSeat& seat) {
            become_interruptible(seat.supervisor, [] {});
            {
                Slot slot(seat.slot);
                act(slot);
            }
            return stage.stay("old", seat);
        }}));
    stage.lines.wait_for("ready");
    post.send();
    stage.lines.wait_for(verdict);
    CHECK(stage.lines.count("accepted") == (failed_before == 0 ? 0 : 1));
    CHECK(stage.end(SIGTERM) == 0);
}

TEST_CASE("code that dies over its first message after it came to all is taken back") {
    Stage stage;
    Post post(stage);
    const Lines gate;
    post.ready = {delivery(dying_when_told(gate), 1),
                  Delivery{Stage::generation({settling(stage, "before")})}};
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready");
    post.send();
    stage.lines.wait_for("works alone");
    tell_to_die(gate);
    stage.lines.wait_for("before settles a trial after killed by SIGSEGV");
    CHECK(stage.lines.has_seen("rejected: queue q: its worker ended over a message of type 7"));
    CHECK(stage.lines.count("accepted") == 2);
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("what else dies of rejected code, until that of before is back, is no attempt either") {
    Stage stage;
    Post post(stage);
    post.is_slow = true;
    const Lines gate;
    post.ready = {delivery(dying_when_told(gate), 3),
                  Delivery{Stage::generation({settling(stage, "before")})}};
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready");
    post.send();
    stage.lines.wait_for("works alone");
    tell_to_die(gate);
    stage.lines.wait_for("rejected");
    tell_to_die(gate);
    stage.lines.wait_for("a worker ended: killed by SIGSEGV");
    post.send();
    stage.lines.wait_for("before settles a trial after killed by SIGSEGV");
    stage.lines.wait_for("before settles a trial after killed by SIGSEGV");
    CHECK(stage.lines.count("rejected") == 1);
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.occupied_slots().empty());
}

TEST_CASE("a reload comes before a delivery under way, which is offered again") {
    Stage stage;
    Post post(stage);
    Lines gate;
    post.ready = {delivery(
        [&](const WorkerSeat& seat) {
            become_interruptible(seat.supervisor, [] {});
            stage.lines.say("new comes");
            while (!stop_requested())  // not ready yet
                ::pause();
            stage.lines.say("new leaves");
            return 0;
        },
        1)};
    stage.reload = [&] { return Stage::generation({stage.patient("reloaded")}); };
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready");
    post.send();
    stage.lines.wait_for("new comes");
    stage.send(SIGHUP);
    stage.lines.wait_for("works alone");
    CHECK(stage.lines.has_seen("postponed"));
    CHECK(stage.lines.has_seen("new leaves"));
    CHECK(stage.lines.has_seen("info: reloaded: 1 workers"));
    CHECK(!stage.lines.has_seen("rejected"));
    CHECK(stage.end(SIGTERM) == 0);
}

TEST_CASE("a stop in the middle of a trial ends everybody") {
    Stage stage;
    Post post(stage);
    post.ready = {delivery(stage.patient("new"), 2)};
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready");
    post.send();
    stage.lines.wait_for("new comes");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("new leaves"));
    CHECK(stage.lines.has_seen("old leaves"));
    CHECK(stage.lines.has_seen("run returns"));
}

TEST_CASE("a start that fails is tried again without the code that nobody asked for") {
    Stage stage;
    Post post(stage);
    const Body bad = [](const WorkerSeat& seat) {
        Readiness(std::move(seat.report)).failed("no such luck", 78);
        return 78;
    };
    SUBCASE("and comes up") {
        post.other_start = Stage::generation({stage.patient("good")});
        stage.start(Stage::generation({stage.patient("good"), bad}));
        stage.lines.wait_for("ready: 1 workers");
        CHECK(stage.end(SIGTERM) == 0);
    }
    SUBCASE("and fails again") {
        post.other_start = Stage::generation({bad});
        stage.start(Stage::generation({bad}));
        CHECK(stage.wait_for_end() == 78);
        stage.lines.rest();
        CHECK(stage.lines.has_seen("start failure: queue q: no such luck"));
    }
}

}  // TEST_SUITE("supervisor_delivery")
