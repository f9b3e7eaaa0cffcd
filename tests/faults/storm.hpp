#pragma once

#include "tests/faults/stage.hpp"
#include "tests/support/worker_watch.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <random>

namespace myq::test {

// What befalls a daemon while messages come in. Each function is one fault and what mends it, and
// tells the checker how many messages it may have repeated; when it returns the daemon runs.
class Storm {
public:
    // `stage` must outlive it; its daemon runs.
    Storm(Stage& stage, unsigned seed) : stage_(stage), watch_(stage.daemon), random_(seed) {}

    // SIGKILL to one process that has a message in hand, after 0 to 2 ms more, so that it finds it
    // anywhere between two messages; false if there is none just now.
    bool kill_worker();
    // SIGKILL to any child, whatever it is just doing.
    bool kill_child();
    // SIGKILL to everything at once, after 0 to `longest`, and a start.
    void kill_daemon(std::chrono::milliseconds longest);
    // The same while it starts.
    void kill_while_it_starts();
    // SIGTERM after 0 to `longest`, or while it starts, and a start.
    void stop(std::chrono::milliseconds longest);
    void stop_while_it_starts();
    // A stop that is killed in its middle, and a start.
    void kill_while_it_stops();
    // SIGHUP ten times, as fast as it goes.
    void reload();
    // Renames the log and asks for a new one.
    void rotate();

    std::uint64_t worker_kills() const { return worker_kills_; }
    std::uint64_t daemon_kills() const { return daemon_kills_; }
    std::uint64_t stops() const { return stops_; }
    std::chrono::milliseconds longest_stop() const { return longest_stop_; }

    // Something was broken that only the fault itself can see: "" for nothing.
    const std::string& complaint() const { return complaint_; }

    void pause(std::chrono::microseconds longest);  // at random

private:
    void kill_all();
    void start();
    void terminate();
    void complain(const std::string& sentence);

    Stage& stage_;
    WorkerWatch watch_;
    std::mt19937 random_;
    std::uint64_t worker_kills_ = 0, daemon_kills_ = 0, stops_ = 0, rotations_ = 0;
    std::chrono::milliseconds longest_stop_{0};
    std::string complaint_;
};

}  // namespace myq::test
