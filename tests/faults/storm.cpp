#include "tests/faults/storm.hpp"

#include "tests/faults/processes.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace myq::test {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr uid_t service = 950;  // myq, in a world

}  // namespace

void Storm::pause(microseconds longest) {
    const auto us = std::uniform_int_distribution<long>(0, longest.count())(random_);
    const timespec time{us / 1'000'000, us % 1'000'000 * 1'000};
    ::nanosleep(&time, nullptr);
}

bool Storm::kill_worker() {
    const pid_t victim = watch_.somebody_busy(random_);
    pause(milliseconds{2});
    if (victim == 0) return false;
    if (::kill(victim, SIGKILL) != 0) return false;
    ++worker_kills_;
    stage_.allow_for_killed(1);
    return true;
}

bool Storm::kill_child() {
    const auto workers = stage_.daemon.workers();
    if (workers.empty()) return false;
    pause(milliseconds{2});
    if (::kill(workers[random_() % workers.size()], SIGKILL) != 0) return false;
    ++worker_kills_;
    stage_.allow_for_killed(1);
    return true;
}

// Every process may have had a message in hand.
void Storm::kill_all() {
    ++daemon_kills_;
    stage_.allow_for_killed(static_cast<std::uint64_t>(kill_every_process()));
}

void Storm::kill_daemon(milliseconds longest) {
    pause(longest);
    kill_all();
    start();
}

void Storm::kill_while_it_starts() {
    kill_all();
    std::thread starter([&] { stage_.daemon.start(); });
    pause(milliseconds{100});
    kill_all();
    starter.join();
    kill_all();  // it may just have begun
    start();
}

void Storm::stop(milliseconds longest) {
    pause(longest);
    terminate();
    start();
}

void Storm::stop_while_it_starts() {
    terminate();
    std::thread starter([&] { stage_.daemon.start(); });
    pause(milliseconds{100});
    stage_.daemon.signal(SIGTERM);
    starter.join();
    terminate();
    start();
}

void Storm::terminate() {
    const auto begin = steady_clock::now();
    ++stops_;
    stage_.daemon.signal(SIGTERM);
    if (!eventually([] { return daemon_processes().empty(); })) complain("it does not stop");
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
    longest_stop_ = std::max(longest_stop_, took);
}

void Storm::kill_while_it_stops() {
    stage_.daemon.signal(SIGTERM);
    pause(milliseconds{20});
    kill_all();
    start();
}

void Storm::reload() {
    for (int i = 0; i < 10; ++i) {
        stage_.daemon.signal(SIGHUP);
        pause(milliseconds{10});
    }
}

void Storm::rotate() {
    const std::string log = stage_.daemon.log_file();
    std::filesystem::rename(log, fmt::format("{}.{}", log, rotations_++ % 2));
    // As logrotate's `create` does: the daemon's user may not, in this directory.
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0 || ::fchown(fd, service, service) != 0) complain("cannot rotate");
    ::close(fd);
    stage_.daemon.signal(SIGUSR1);
}

void Storm::start() {
    const Run start = stage_.daemon.start();
    if (start.exit_code != 0) complain("it does not start: " + start.err);
}

void Storm::complain(const std::string& sentence) {
    if (complaint_.empty()) complaint_ = sentence;
}

}  // namespace myq::test
