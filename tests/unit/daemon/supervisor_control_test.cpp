#include "daemon/supervisor.hpp"
#include "daemon/unix/child.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/stage.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>

TEST_SUITE("supervisor_control") {

using namespace myq;
using namespace myq::test;

namespace {

// What asks the supervisor: a byte for each question.
struct Asker {
    Asker() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe(ends.data()) == 0);
        in = Fd{ends[0]};
        out = Fd{ends[1]};
    }
    void ask() const { REQUIRE(::write(out.value(), "?", 1) == 1); }
    void take() const {
        char byte = 0;
        [[maybe_unused]] const ssize_t ignored = ::read(in.value(), &byte, 1);
    }
    Fd in, out;
};

std::string text_of(const WorkerInfo& worker) {
    return worker.queue + " on " + worker.slot + ": " + name_of(worker.role) + ", state " +
           std::to_string(static_cast<int>(worker.state)) + ", type " +
           std::to_string(worker.view.type) + ", pid " + std::to_string(worker.pid);
}

}  // namespace

TEST_CASE("whoever asks is told of every worker, and of the generation") {
    Stage stage;
    const Asker asker;
    stage.control_fd = asker.in.value();
    stage.on_control = [&](const std::vector<WorkerInfo>& workers, const Generation& generation) {
        asker.take();
        for (const WorkerInfo& worker : workers)
            stage.lines.say(text_of(worker));
        stage.lines.say("of " + std::to_string(generation.workers.size()));
        return false;
    };
    Generation generation;
    generation.workers = {Stage::spec(
                              [&](const WorkerSeat& seat) {
                                  become_interruptible(seat.supervisor, [] {});
                                  store(seat.slot, 7, "body");
                                  stage.lines.say("pid " + std::to_string(::getpid()));
                                  const int result = stage.stay("a", seat);
                                  put<std::int64_t>(seat.slot, slot_header_size, 0);
                                  return result;
                              },
                              WorkerSpec::Role::receiver),
                          Stage::spec(stage.patient("b"), WorkerSpec::Role::intake, "r")};
    stage.start(generation);
    const std::string pid = stage.lines.wait_for("pid ");
    stage.lines.wait_for("ready: 2 workers");
    const std::string ready =
        ", state " + std::to_string(static_cast<int>(WorkerProcess::State::ready));
    for (int i = 0; i < 2; ++i) {
        asker.ask();
        stage.lines.wait_for("q on q.0: receiver" + ready + ", type 7, " + pid);
        stage.lines.wait_for("r on r+0: intake" + ready + ", type 0, pid ");
        stage.lines.wait_for("of 2");
    }
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.count("of 2") == 2);
}

TEST_CASE("who asks while nobody lives is told that too") {
    Stage stage;
    const Asker asker;
    stage.control_fd = asker.in.value();
    stage.on_control = [&](const std::vector<WorkerInfo>& workers, const Generation&) {
        asker.take();
        const bool waits = !workers.empty() && workers[0].state == WorkerProcess::State::waiting;
        stage.lines.say(std::string(waits ? "waiting" : "other") + ", pid " +
                        std::to_string(workers.empty() ? 0 : workers[0].pid));
        return false;
    };
    stage.start(Stage::generation({[&](const WorkerSeat& seat) {
        Stage::be_ready(seat);
        return 3;
    }}));
    stage.lines.wait_for("a worker ended: exit status 3");
    asker.ask();
    CHECK(stage.lines.wait_for(", pid") == "waiting, pid -1");
    CHECK(stage.end(SIGTERM) == 0);
}

TEST_CASE("a child that is no worker is reported when it has ended, and taken for no worker") {
    Stage stage;
    const Asker asker;
    stage.control_fd = asker.in.value();
    stage.on_control = [&](const std::vector<WorkerInfo>&, const Generation&) {
        asker.take();
        ChildPid clerk = myq::fork_child([] { return 7; });
        stage.lines.say("clerk " + std::to_string(clerk.disown()));
        return false;
    };
    stage.on_other_child = [&](pid_t pid, int) { stage.lines.say("ended " + std::to_string(pid)); };
    stage.start(Stage::generation({stage.patient("a")}));
    stage.lines.wait_for("ready");
    for (int i = 0; i < 2; ++i) {
        asker.ask();
        const std::string clerk = stage.lines.wait_for("clerk ");
        CHECK(stage.lines.wait_for("ended ") == "ended " + clerk.substr(6));
    }
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(!stage.lines.has_seen("warning"));
    CHECK(stage.lines.has_seen("a leaves"));
}

TEST_CASE("who asks for a reload gets one") {
    Stage stage;
    const Asker asker;
    stage.control_fd = asker.in.value();
    stage.on_control = [&](const std::vector<WorkerInfo>&, const Generation&) {
        asker.take();
        return true;
    };
    stage.reload = [&] { return Stage::generation({stage.patient("new")}); };
    stage.start(Stage::generation({stage.patient("old")}));
    stage.lines.wait_for("ready");
    asker.ask();
    stage.lines.wait_for("reload ended: done");
    CHECK(stage.end(SIGTERM) == 0);
    stage.lines.rest();
    CHECK(stage.lines.has_seen("new leaves"));
}

}  // TEST_SUITE("supervisor_control")
