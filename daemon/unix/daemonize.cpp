#include "daemon/unix/daemonize.hpp"

#include "daemon/unix/child.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/signals.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace myq {

namespace {

// One datagram to the service manager; sd_notify(3) gives the protocol. Failing changes nothing:
// a manager that does not listen notices by itself.
void notify(const std::string& socket_path, const std::string& text) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.empty() || socket_path.size() >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // the abstract name space
    const Fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!fd) return;
    const auto length =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path.size());
    ::sendto(fd.value(), text.data(), text.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), length);  // NOLINT: the socket API's cast
}

// A report is one byte of exit code, the sentence, and a byte that ends it.
constexpr char end_of_report = '\x04';

std::string report_text(int exit_code, const std::string& sentence) {
    return static_cast<char>(exit_code) + sentence + end_of_report;
}

// Tried again whatever the reason: the starter would wait for ever for a report that was given up.
void write_all(const Fd& fd, const std::string& text) {
    std::size_t done = 0;
    for (int failures = 0; done < text.size() && failures < 100;) {
        const ssize_t n = ::write(fd.value(), text.data() + done, text.size() - done);
        if (n < 0 && errno == EPIPE) return;  // the starter is gone; there is nobody else to tell
        if (n <= 0) {
            ++failures;
        } else {
            done += static_cast<std::size_t>(n);
        }
    }
}

// What comes before its end is a report that was cut off, and none.
std::string read_report(const Fd& fd) {
    std::string text;
    std::array<char, 512> part{};
    while (!text.ends_with(end_of_report)) {
        const ssize_t n = ::read(fd.value(), part.data(), part.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return {};
        text.append(part.data(), static_cast<std::size_t>(n));
    }
    text.pop_back();
    return text;
}

[[noreturn]] void wait_for_report(const Fd& report) {
    const std::string text = read_report(report);
    if (text.empty()) {
        std::fputs("myqd: start: the daemon ended without a word; see its log\n", stderr);
        ::_exit(EXIT_FAILURE);
    }
    if (text.size() > 1) std::fprintf(stderr, "%s\n", text.c_str() + 1);
    ::_exit(static_cast<unsigned char>(text[0]));
}

}  // namespace

Readiness::Readiness() {
    // Taken out of the environment: a handler's child must not report in our name.
    const char* path = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): one thread
    if (path != nullptr) notify_socket_ = path;
    ::unsetenv("NOTIFY_SOCKET");
}

void Readiness::ready() {
    if (report_) write_all(report_, report_text(EXIT_SUCCESS, ""));
    report_.reset();
    notify(notify_socket_, "READY=1\nMAINPID=" + std::to_string(::getpid()));
}

void Readiness::failed(const std::string& sentence, int exit_code) {
    if (report_) {
        write_all(report_, report_text(exit_code, sentence));
    } else {
        std::fprintf(stderr, "%s\n", sentence.c_str());
    }
    report_.reset();
    notify(notify_socket_, "STATUS=" + sentence);
}

void clean_process() {
    // Descriptors 0 to 2 must be open, or the next open() would become standard output.
    // They stay open in whatever a handler runs, so they are not close-on-exec.
    for (int fd = -1; fd <= STDERR_FILENO;) {
        fd = ::open("/dev/null", O_RDWR);  // NOLINT(android-cloexec-open)
        if (fd < 0) throw failure("/dev/null");
    }
    close_all_but({});
    reset_signals();
    ::umask(077);

    std::array<std::pair<const char*, std::optional<std::string>>, 5> kept{
        {{"TZ", {}},
         {"LANG", {}},
         {"NOTIFY_SOCKET", {}},
         {"XDG_RUNTIME_DIR", {}},
         {"XDG_STATE_HOME", {}}}};
    for (auto& [name, value] : kept) {
        const char* found = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
        if (found != nullptr) value = found;
    }
    ::clearenv();
    ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    for (const auto& [name, value] : kept) {
        if (value) ::setenv(name, value->c_str(), 1);
    }
    if (::chdir("/") != 0) throw failure("chdir /");
}

void silence(int fd) {
    const Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    if (!null || ::dup2(null.value(), fd) < 0) throw failure("/dev/null");
}

Readiness daemonize() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw failure("pipe2");
    Fd starter{ends[0]};
    Fd daemon{ends[1]};

    const pid_t first = ::fork();
    if (first < 0) throw failure("fork");
    if (first > 0) {
        daemon.reset();
        ::waitpid(first, nullptr, 0);
        wait_for_report(starter);
    }
    starter.reset();
    // A new session has no terminal; a second fork, and it can never get one again.
    if (::setsid() < 0) ::_exit(EXIT_FAILURE);
    const pid_t second = ::fork();
    if (second < 0) {
        const std::string why = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): one thread
        write_all(daemon, report_text(EXIT_FAILURE, "myqd: fork: " + why));
        ::_exit(EXIT_FAILURE);
    }
    if (second > 0) ::_exit(EXIT_SUCCESS);
    return Readiness{std::move(daemon)};
}

}  // namespace myq
