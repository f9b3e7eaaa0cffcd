#include "daemon/unix/terminal.hpp"

#include "daemon/unix/child.hpp"
#include "daemon/unix/daemonize.hpp"
#include "daemon/unix/failure.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace myq {

namespace {

constexpr std::size_t longest_shown = 8192;
constexpr std::chrono::seconds relay_patience{2};

// The terminal that a shield stands before. No child is given it.
Fd& shielded_terminal() {
    static Fd terminal;
    return terminal;
}

void write_to_terminal(std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;  // nobody looks any more; reading goes on, so that nobody waits
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

// The relay's whole life: from standard input, which ends with the last who may write there, to
// standard error, the terminal. What ends the others must not end it before they are done.
int pass_on(const Fd& in, TerminalShield::Plain plain) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1})
        ::signal(signal, SIG_IGN);
    ::prctl(PR_SET_PDEATHSIG, 0);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // or a handler could take the terminal from it
    if (::dup2(in.value(), STDIN_FILENO) < 0) return EXIT_FAILURE;
    silence(STDOUT_FILENO);
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const ssize_t n = ::read(STDIN_FILENO, part.data(), part.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(n));
        std::size_t end = text.rfind('\n');
        if (end == std::string::npos && text.size() < longest_shown) continue;
        end = end == std::string::npos ? text.size() : end + 1;
        write_to_terminal(plain(std::string_view(text).substr(0, end)));
        text.erase(0, end);
    }
    write_to_terminal(plain(text));
    return EXIT_SUCCESS;
}

}  // namespace

void lose_controlling_terminal() {
    const Fd terminal{::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!terminal && errno == ENXIO) return;  // there is none
    if (::setsid() >= 0 || !terminal) return;
    // The first process of a group or a session; of the latter it would also end the others.
    const auto before = ::signal(SIGHUP, SIG_IGN);
    ::ioctl(terminal.value(), TIOCNOTTY);
    ::signal(SIGHUP, before);
}

void leave_terminal() {
    lose_controlling_terminal();
    const bool is_shown = ::isatty(STDERR_FILENO) == 1;
    if (is_shown) silence(STDERR_FILENO);
    if (::isatty(STDIN_FILENO) == 1) silence(STDIN_FILENO);
    if (::isatty(STDOUT_FILENO) != 1) return;
    if (::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) throw failure("dup2");
}

TerminalShield::TerminalShield(Plain plain) {
    if (::isatty(STDERR_FILENO) != 1) return;
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw failure("pipe2");
    const Fd in{ends[0]};
    Fd out{ends[1]};
    Fd terminal{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
    if (!terminal) throw failure("F_DUPFD_CLOEXEC");
    std::fflush(stderr);
    relay_ = fork_child([&] { return pass_on(in, plain); }, {in.value()});
    end_of_relay_ = ProcessHandle(relay_.value());
    if (::dup2(out.value(), STDERR_FILENO) < 0) throw failure("dup2");
    shielded_terminal() = std::move(terminal);
}

TerminalShield::~TerminalShield() {
    if (!relay_) return;
    std::fflush(stderr);
    ::dup2(shielded_terminal().value(), STDERR_FILENO);
    shielded_terminal().reset();
    if (!end_of_relay_.wait_for_end(relay_patience)) return;  // it is ended, then
    ::waitpid(relay_.disown(), nullptr, WNOHANG);
}

}  // namespace myq
