#include "bench/load.hpp"

#include <signal.h>
#include <sys/time.h>

#include <chrono>
#include <cstring>
#include <system_error>
#include <vector>

namespace myq::bench {

namespace {

// Far more than a round takes on any machine: whoever does not answer by then never will.
constexpr unsigned patience_seconds = 60;

volatile sig_atomic_t last_signal = 0;

// Again and again, since one that comes between two calls interrupts neither.
void set_alarm(unsigned seconds) {
    const itimerval timer{{seconds > 0 ? 1 : 0, 0}, {seconds, 0}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void throw_if_signalled() {
    if (last_signal == 0) return;
    if (last_signal != SIGALRM) throw Stopped();
    throw std::runtime_error("no answer for " + std::to_string(patience_seconds) + " s");
}

// One message, made once and sent again and again, as a C program would.
class Sender {
public:
    Sender(const Lane& lane, std::size_t body_size)
        : lane_(lane),
          body_size_(body_size),
          message_(sizeof(long) + body_size, std::byte{'m'}) {
        const long type = 1;
        std::memcpy(message_.data(), &type, sizeof type);
    }

    void want(Wanted wanted) {
        const Mark mark{wanted, lane_.answers};
        std::memcpy(message_.data() + sizeof(long), &mark, sizeof mark);
    }

    void send() {
        if (::msgsnd(lane_.queue, message_.data(), body_size_, 0) != 0) throw_call_failed("msgsnd");
    }

private:
    Patience patience_;
    Lane lane_;
    std::size_t body_size_;
    std::vector<std::byte> message_;
};

using Clock = std::chrono::steady_clock;

double per_second(int count, Clock::time_point start) {
    return count / std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

OwnQueue::OwnQueue(mode_t mode, std::uint64_t capacity)
    : queue_(MessageQueue::create(QueueKey::private_queue(), mode)) {
    if (capacity == 0) return;
    try {
        QueueSettings settings;
        settings.capacity = capacity;
        queue_.set(settings);
    } catch (...) {
        queue_.remove();
        throw;
    }
}

OwnQueue::~OwnQueue() {
    try {
        queue_.remove();
    } catch (const IpcError&) {
        // Somebody else was faster; gone is gone.
    }
}

void listen_to_signals() {
    struct sigaction action {};
    action.sa_handler = [](int signal) { last_signal = signal; };
    for (const int signal : {SIGINT, SIGTERM, SIGALRM})
        ::sigaction(signal, &action, nullptr);
}

Patience::Patience() {
    throw_if_signalled();
    set_alarm(patience_seconds);
}

Patience::~Patience() {
    set_alarm(0);
}

void throw_call_failed(const char* call) {
    const int error = errno;
    if (error == EINTR) throw_if_signalled();
    throw std::system_error(error, std::generic_category(), call);
}

std::vector<std::byte> marked_body(const Mark& mark, std::size_t size) {
    std::vector<std::byte> body(size, std::byte{'m'});
    std::memcpy(body.data(), &mark, sizeof mark);
    return body;
}

std::int64_t await_answer(int answers) {
    Answer answer;
    if (::msgrcv(answers, &answer, answer_size, 0, 0) < 0) throw_call_failed("msgrcv");
    return answer.handed_ns;
}

double messages_per_second(const Lane& lane, std::size_t body_size, int messages) {
    Sender sender(lane, body_size);
    sender.want(Wanted::nothing);
    const Clock::time_point start = Clock::now();
    for (int i = 1; i < messages; ++i)
        sender.send();
    sender.want(Wanted::an_answer);
    sender.send();
    await_answer(lane.answers);
    return per_second(messages, start);
}

double round_trips_per_second(const Lane& lane, std::size_t body_size, int round_trips) {
    Sender sender(lane, body_size);
    sender.want(Wanted::an_answer);
    const Clock::time_point start = Clock::now();
    for (int i = 0; i < round_trips; ++i) {
        sender.send();
        await_answer(lane.answers);
    }
    return per_second(round_trips, start);
}

}  // namespace myq::bench
