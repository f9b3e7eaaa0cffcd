#pragma once

#include "bench/mark.hpp"
#include "ipc/message_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace myq::bench {

// A queue of this program's own, removed when it is done with.
class OwnQueue {
public:
    // `capacity` 0: as the kernel makes it.
    explicit OwnQueue(mode_t mode, std::uint64_t capacity = 0);
    ~OwnQueue();
    OwnQueue(const OwnQueue&) = delete;
    OwnQueue& operator=(const OwnQueue&) = delete;

    int id() const { return queue_.id(); }

private:
    MessageQueue queue_;
};

// A receiver, by the id of the queue that it reads, and where its answers arrive.
struct Lane {
    int queue;
    int answers;
};

// The user wants to leave.
class Stopped : public std::runtime_error {
public:
    Stopped() : std::runtime_error("stopped by a signal") {}
};

// Lets SIGINT and SIGTERM end a measurement with Stopped, and SIGALRM one that gets no answer, so
// that whatever was started and made is ended and removed on the way out.
void listen_to_signals();

// For as long as it lives, waiting for what does not come ends after a minute: with
// std::runtime_error, as far as the call that waits is followed by throw_call_failed().
class Patience {
public:
    Patience();
    ~Patience();
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;
};

// Throws what errno says of `call`, or Stopped, or that patience is over.
[[noreturn]] void throw_call_failed(const char* call);

std::vector<std::byte> marked_body(const Mark& mark, std::size_t size);

// Waits for the next answer: when the receiver had the message in hand, by monotonic_ns().
std::int64_t await_answer(int answers);

// Messages a second, from the first msgsnd to the answer that says the last one was handled.
double messages_per_second(const Lane& lane, std::size_t body_size, int messages);

// Round trips a second, one at a time: message out, answer back.
double round_trips_per_second(const Lane& lane, std::size_t body_size, int round_trips);

}  // namespace myq::bench
