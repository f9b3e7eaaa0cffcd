#include "bench/crowd.hpp"

#include "bench/load.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace myq::bench {

namespace {

// Far more than any turn takes: a sender that is not confirmed by then never will be.
constexpr unsigned patience_seconds = 120;

struct Pipe {
    Fd read, write;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    return {Fd{ends[0]}, Fd{ends[1]}};
}

// Few enough bytes for a pipe to take and give them whole.
template <typename Word>
void put(const Fd& fd, const Word& word) {
    if (::write(fd.value(), &word, sizeof word) != sizeof word) {
        throw std::system_error(errno, std::generic_category(), "write to a pipe");
    }
}

Clock::time_point order(const Fd& orders) {
    Clock::rep end = 0;
    if (::read(orders.value(), &end, sizeof end) != sizeof end) {
        throw std::runtime_error("a sender was not told to begin");
    }
    return Clock::time_point(Clock::duration(end));
}

[[noreturn]] void live(const Crowd::Life& life, const Fd& reports, const Fd& orders) noexcept {
    for (const int signal : {SIGINT, SIGTERM, SIGALRM})
        ::signal(signal, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::alarm(patience_seconds);
    try {
        put(reports, life([&] {
                put(reports, Sent{});
                return order(orders);
            }));
    } catch (const std::exception& e) {
        fmt::print(stderr, "myq-bench: a sender: {}\n", e.what());
        ::_exit(EXIT_FAILURE);
    }
    ::_exit(EXIT_SUCCESS);
}

}  // namespace

Crowd::Crowd(int senders, const Life& life) : senders_(senders) {
    Pipe reports = make_pipe();
    Pipe orders = make_pipe();
    for (int i = 0; i < senders; ++i) {
        const pid_t pid = ::fork();
        if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
        if (pid == 0) {
            orders.write.reset();
            live(life, reports.write, orders.read);
        }
        pids_.emplace_back(pid);
    }
    reports_ = std::move(reports.read);
    orders_ = std::move(orders.write);
    reports.write.reset();
    std::vector<Sent> prepared(static_cast<std::size_t>(senders));
    await(prepared.data(), prepared.size() * sizeof(Sent));
}

// Whole, or a sender has died.
void Crowd::await(void* words, std::size_t size) const {
    auto* at = static_cast<std::byte*>(words);
    while (size > 0) {
        const ssize_t part = ::read(reports_.value(), at, size);
        if (part < 0) throw_call_failed("read from a pipe");
        if (part == 0) throw std::runtime_error("a sender has failed");
        at += part;
        size -= static_cast<std::size_t>(part);
    }
}

Sent Crowd::run(std::chrono::duration<double> duration) {
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(duration);
    for (int i = 0; i < senders_; ++i)
        put(orders_, end.time_since_epoch().count());
    std::vector<Sent> each(static_cast<std::size_t>(senders_));
    await(each.data(), each.size() * sizeof(Sent));
    Sent sum;
    for (const Sent& sent : each) {
        sum.in_time += sent.in_time;
        sum.in_all += sent.in_all;
    }
    return sum;
}

}  // namespace myq::bench
