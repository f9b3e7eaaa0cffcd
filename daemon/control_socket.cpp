#include "daemon/control_socket.hpp"

#include "config/run_state.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/unix/failure.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

namespace myq {

namespace {

constexpr std::size_t longest_control_answer = std::size_t{16} << 20U;

// What is left of it since `begun_ns`, for poll(2).
int left_of(std::chrono::milliseconds patience, std::int64_t begun_ns) {
    const std::int64_t spent_ms = (monotonic_ns() - begun_ns) / 1'000'000;
    return static_cast<int>(
        std::clamp<std::int64_t>(patience.count() - spent_ms, 0, patience.count()));
}

// nullopt: the path is too long for a socket.
std::optional<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return std::nullopt;
    path.copy(address.sun_path, path.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: bind(2)
}

}  // namespace

ControlSocket::ControlSocket(const std::filesystem::path& path)
    : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    if (!fd_) throw failure("socket");
    const std::string& text = path.native();
    const auto address = address_of(text);
    if (!address) {
        errno = ENAMETOOLONG;
        throw failure("cannot make the socket " + text + ": choose a shorter daemon.run_dir");
    }
    ::unlink(text.c_str());
    if (::bind(fd_.value(), generic(*address), sizeof *address) != 0 ||
        ::chmod(text.c_str(), 0666) != 0 || ::listen(fd_.value(), SOMAXCONN) != 0) {
        throw failure("cannot make the socket " + text);
    }
}

std::optional<ControlSocket::Caller> ControlSocket::accept() const {
    Fd connection{::accept4(fd_.value(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection) return std::nullopt;
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(connection.value(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return std::nullopt;
    return Caller{std::move(connection), credentials.uid};
}

void ControlSocket::write(const Caller& caller, const std::string& answer) {
    std::string_view rest = answer;
    pollfd writable{caller.connection.value(), POLLOUT, 0};
    const std::int64_t begun = monotonic_ns();
    while (!rest.empty() && ::poll(&writable, 1, left_of(usual_patience, begun)) > 0) {
        const ssize_t sent = ::send(caller.connection.value(), rest.data(), rest.size(),
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

ControlSocket::Answer ControlSocket::ask(const std::filesystem::path& run_dir,
                                         const std::string& question,
                                         std::chrono::seconds patience) {
    const std::filesystem::path path = run_dir / control_socket_name;
    const Caller daemon{Fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)}, 0};
    const auto address = address_of(path.native());
    if (!daemon.connection || !address ||
        ::connect(daemon.connection.value(), generic(*address), sizeof *address) != 0)
        return {{}, path.string() + ": nobody listens there"};
    if (const std::string doubt = doubt_about_peer(daemon.connection.value(), run_dir);
        !doubt.empty())
        return {{}, doubt};
    write(daemon, question + "\n");
    std::string answer;
    std::array<char, 4096> part{};
    pollfd readable{daemon.connection.value(), POLLIN, 0};
    const std::int64_t begun = monotonic_ns();
    while (answer.size() < longest_control_answer &&
           ::poll(&readable, 1, left_of(patience, begun)) > 0) {
        const ssize_t n = ::read(daemon.connection.value(), part.data(), part.size());
        if (n <= 0) return {answer, {}};
        answer.append(part.data(), static_cast<std::size_t>(n));
    }
    return {{},
            fmt::format("{}: the daemon's answer has not ended after {} s", path.string(),
                        patience.count())};
}

}  // namespace myq
