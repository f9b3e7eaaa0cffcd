#include "tests/faults/flood.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stdexcept>

namespace myq::test {

namespace {

constexpr uid_t somebody = 65534;
constexpr gid_t senders = 951;  // myq-send, in a world

// This thread only, which the library's functions would not do: they change every thread.
void become_a_sender() {
    if (::syscall(SYS_setgroups, 0, nullptr) != 0 ||
        ::syscall(SYS_setresgid, senders, senders, senders) != 0 ||
        ::syscall(SYS_setresuid, somebody, somebody, somebody) != 0) {
        throw std::runtime_error("cannot become a sender");
    }
}

// Only so that msgsnd(2) is interrupted.
void hear_interruptions() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGUSR2, &action, nullptr);
}

}  // namespace

Flood::Flood(Stage& stage, std::size_t most, unsigned seed, As as)
    : stage_(stage),
      most_(most),
      random_(seed) {
    hear_interruptions();
    thread_ = std::thread([this, as] { run(as); });
}

void Flood::stop() {
    stopping_ = true;
    // Again and again: one may come between the look at the flag and msgsnd(2).
    while (!over_) {
        ::pthread_kill(thread_.native_handle(), SIGUSR2);
        ::poll(nullptr, 0, 1);
    }
    if (thread_.joinable()) thread_.join();
}

void Flood::run(As as) {
    if (as == As::member_of_the_group) become_a_sender();
    while (!stopping_ && sent_ < most_)
        send_one();
    over_ = true;
}

// A queue that is closed, or being made again, is tried again a moment later.
void Flood::send_one() {
    try {
        const MessageQueue queue = stage_.daemon.queue();
        while (!stopping_ && sent_ < most_) {
            const std::string_view what = command();
            const bool fails = what == "flaky" || what == "reject";
            ++sent_;
            const auto fate = fails ? Checker::Fate::again : Checker::Fate::once;
            if (!stage_.checker.send(queue, 1 + static_cast<long>(random_() % 5), what, fate))
                break;
        }
    } catch (const IpcError&) {
        // It is not there.
    }
    if (!stopping_) ::poll(nullptr, 0, 1);
}

std::string_view Flood::command() {
    const auto chance = random_() % 1'000;
    if (chance < 5) return "late=1";
    if (chance < 10) return "sleep=1";
    if (chance < 12) return "flaky";
    if (chance < 13) return "reject";
    return {};
}

}  // namespace myq::test
