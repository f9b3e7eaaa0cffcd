#pragma once

#include "daemon/supervisor.hpp"
#include "daemon/unix/signals.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"
#include "tests/unit/daemon/test_log.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace myq::test {

using Body = std::function<int(const WorkerSeat&)>;

// A supervisor in a process of its own, since it blocks signals and reaps every child. Its log and
// what its workers say arrive as `lines`, in the order in which it happens.
class Stage {
public:
    Stage() = default;
    ~Stage() {
        if (pid_ > 0) end(SIGKILL);
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    RunDir run;
    SlotDirectory slots{run.path(), current_identity()};
    Lines lines;
    std::size_t body_capacity = 100;
    std::function<Generation()> reload = [] { return Generation{}; };
    // As Supervisor::Hooks; they run in the supervisor.
    int control_fd = -1;
    std::function<bool(const std::vector<WorkerInfo>&, const Generation&)> on_control = {};
    std::function<void(pid_t, int)> on_other_child = {};
    Deliveries* deliveries = nullptr;

    void start(const Generation& first) {
        pid_ = myq::test::fork_child([&] { return live(first); });
        lines.close_out();
    }

    // Those with a message in them.
    std::vector<std::string> occupied_slots() const {
        std::vector<std::string> names;
        for (const std::string& name : slots.names()) {
            if (slots.look(name).type != 0) names.push_back(name);
        }
        return names;
    }

    pid_t pid() const { return pid_; }
    void send(int signal) const { ::kill(pid_, signal); }

    // The supervisor goes once around its loop: what it was told before it has seen.
    void turn_around() {
        send(SIGUSR1);
        lines.wait_for("reopen");
    }

    // Sends the signal; the exit status of the supervisor, or minus the signal that ended it.
    int end(int signal) {
        send(signal);
        return myq::test::wait_for(std::exchange(pid_, -1));
    }
    int wait_for_end() { return myq::test::wait_for(std::exchange(pid_, -1)); }

    static Generation generation(const std::vector<Body>& bodies, const std::string& queue = "q") {
        Generation made;
        for (const Body& body : bodies)
            made.workers.push_back(spec(body, WorkerSpec::Role::receiver, queue));
        return made;
    }

    static std::shared_ptr<WorkerSpec> spec(const Body& body,
                                            WorkerSpec::Role role = WorkerSpec::Role::receiver,
                                            const std::string& queue = "q") {
        auto made = std::make_shared<WorkerSpec>(WorkerSpec{queue, body});
        made->descriptors = Lines::descriptors();
        made->role = role;
        return made;
    }

    // Comes, is ready, and leaves when asked.
    Body patient(const std::string& name) {
        return [this, name](const WorkerSeat& seat) {
            become_interruptible(seat.supervisor, [] {});
            lines.say(name + " comes");
            return stay(name, seat);
        };
    }

    int stay(const std::string& name, const WorkerSeat& seat) {
        be_ready(seat);
        while (!stop_requested())
            ::pause();  // SIGTERM is repeated
        lines.say(name + " leaves");
        return 0;
    }

    static void be_ready(const WorkerSeat& seat) { Readiness(std::move(seat.report)).ready(); }

private:
    int live(const Generation& first) {
        log_to(lines);
        Supervisor::Hooks hooks{reload, [this] { lines.say("reopen"); },
                                [this] { return body_capacity; }};
        hooks.control_fd = control_fd;
        hooks.on_control = on_control;
        hooks.reload_begins = [this] { lines.say("reload begins"); };
        hooks.reload_ended = [this](const std::string& refusal) {
            lines.say("reload ended: " + (refusal.empty() ? "done" : refusal));
        };
        hooks.on_other_child = on_other_child;
        hooks.deliveries = deliveries;
        Supervisor supervisor(slots, hooks);
        try {
            Readiness readiness;
            supervisor.run(first, readiness);
            lines.say("run returns");
            return 0;
        } catch (const StartFailure& e) {
            lines.say(std::string("start failure: ") + e.what());
            return e.exit_code();
        }
    }

    pid_t pid_ = -1;
};

}  // namespace myq::test
