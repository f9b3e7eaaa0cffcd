#include "bench/bare_receiver.hpp"

#include "bench/mark.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <vector>

namespace myq::bench {

namespace {

// Plain C in all but name.
[[noreturn]] void receive_for_ever(int queue, std::size_t capacity) noexcept {
    std::vector<std::byte> buffer(sizeof(long) + capacity);
    for (;;) {
        const ssize_t size = ::msgrcv(queue, buffer.data(), capacity, 0, 0);
        if (size < 0) ::_exit(EXIT_FAILURE);
        const std::span<const std::byte> body(buffer.data() + sizeof(long),
                                              static_cast<std::size_t>(size));
        Mark mark;
        if (!answer_if_asked(body, mark)) ::_exit(EXIT_FAILURE);
    }
}

}  // namespace

BareReceiver::BareReceiver(int queue, std::size_t body_capacity) : pid_(::fork()) {
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ > 0) return;
    // As a daemon does: where autogroup is on, the scheduler shares a busy machine out by session.
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    receive_for_ever(queue, body_capacity);
}

BareReceiver::~BareReceiver() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

}  // namespace myq::bench
