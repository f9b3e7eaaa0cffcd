#pragma once

#include "daemon/supervisor.hpp"
#include "daemon/unix/signals.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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

    void send(int signal) const { ::kill(pid_, signal); }

    // Sends the signal; the exit status of the supervisor, or minus the signal that ended it.
    int end(int signal) {
        send(signal);
        return myq::test::wait_for(std::exchange(pid_, -1));
    }
    int wait_for_end() { return myq::test::wait_for(std::exchange(pid_, -1)); }

    static Generation generation(const std::vector<Body>& bodies, const std::string& queue = "q") {
        Generation made;
        for (const Body& body : bodies) {
            made.workers.push_back(std::make_shared<WorkerSpec>(WorkerSpec{queue, body}));
        }
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
        ::dup2(lines.out(), STDERR_FILENO);
        auto logger = std::make_shared<spdlog::logger>(
            "test", std::make_shared<spdlog::sinks::stderr_sink_st>());
        logger->set_pattern("%l: %v");
        spdlog::set_default_logger(logger);
        Supervisor::Hooks hooks{reload, [this] { lines.say("reopen"); },
                                [this] { return body_capacity; }};
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
