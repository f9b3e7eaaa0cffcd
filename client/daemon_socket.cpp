#include "client/daemon_socket.hpp"

#include "client/failure.hpp"
#include "config/run_state.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

namespace myq {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds longest_silence{10};
constexpr std::chrono::seconds longest_answer{60};  // a byte now and then is no answer either
// A daemon that ends just now hangs up, and the next time nobody listens.
constexpr int most_tries = 3;
constexpr std::size_t largest_answer = std::size_t{16} << 20U;

class Connection {
public:
    explicit Connection(const std::filesystem::path& path)
        : name_(path.string()),
          fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (fd_ < 0) throw failed("socket", errno);
        // For connect(2) too, which waits for a daemon that accepts nobody.
        const timeval limit{longest_silence.count(), 0};
        setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    ~Connection() {
        if (fd_ >= 0) close(fd_);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // False when nobody listens.
    bool open() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (name_.size() >= sizeof address.sun_path) throw failed("connect", ENAMETOOLONG);
        std::memcpy(address.sun_path, name_.data(), name_.size());
        if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            return true;
        }
        if (errno == ENOENT || errno == ECONNREFUSED) return false;
        if (errno == EAGAIN) throw silent();
        if (errno != EACCES && errno != EPERM) throw failed("connect", errno);
        throw Failure(ExitCode::permission,
                      fmt::format("{}: the daemon does not listen to you: run it as root, or as "
                                  "the daemon's user",
                                  name_));
    }

    // Whose word it is: before anything is asked.
    void check_peer(const std::filesystem::path& run_dir) const {
        const std::string doubt = doubt_about_peer(fd_, run_dir);
        if (doubt.empty()) return;
        throw Failure(ExitCode::unavailable, fmt::format("{}: service myq restart", doubt));
    }

    // False when the other side has hung up.
    bool write(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t count = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) return false;
            if (count < 0 && errno != EINTR) throw failed("send", errno);
            if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }

    // Everything up to the end that the other side makes; nullopt when it hung up instead.
    std::optional<std::string> read_all() const {
        std::string text;
        while (text.size() <= largest_answer) {
            await_more();
            std::array<char, 65536> buffer;
            const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
            if (count == 0) return text;
            if (count < 0 && errno == ECONNRESET) return std::nullopt;
            if (count < 0 && errno != EINTR) throw failed("recv", errno);
            if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
        }
        throw Failure(
            ExitCode::internal,
            fmt::format("{}: the daemon's answer does not end: is it of another version?", name_));
    }

private:
    void await_more() const {
        const Clock::time_point deadline =
            std::min(Clock::now() + longest_silence, begun_ + longest_answer);
        for (;;) {
            const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
            if (left <= milliseconds{0}) throw silent();
            pollfd input{fd_, POLLIN, 0};
            const int ready = poll(&input, 1, static_cast<int>(left.count()));
            if (ready > 0) return;
            if (ready < 0 && errno != EINTR) throw failed("poll", errno);
        }
    }

    Failure silent() const {
        return {
            ExitCode::try_later,
            fmt::format("{}: the daemon does not answer: try again later, or see its log", name_)};
    }

    Failure failed(const char* call, int error) const {
        return {ExitCode::system,
                fmt::format("{}: {}: {}", name_, call, std::generic_category().message(error))};
    }

    std::string name_;
    int fd_;
    Clock::time_point begun_ = Clock::now();
};

}  // namespace

std::filesystem::path daemon_socket(const std::filesystem::path& run_dir) {
    return run_dir / control_socket_name;
}

std::optional<std::string> ask_daemon(const std::filesystem::path& run_dir,
                                      std::string_view request) {
    const std::filesystem::path path = daemon_socket(run_dir);
    for (int i = 0; i < most_tries; ++i) {
        Connection connection(path);
        if (!connection.open()) return std::nullopt;
        connection.check_peer(run_dir);
        if (!connection.write(request)) continue;
        if (auto answer = connection.read_all()) return answer;
    }
    throw Failure(
        ExitCode::system,
        fmt::format("{}: the daemon hangs up in place of an answer: see its log", path.string()));
}

}  // namespace myq
