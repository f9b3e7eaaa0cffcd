#pragma once

#include "daemon/unix/owned.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

// The other side of a Unix socket.
namespace myq::test {

inline Fd connect_to(const std::filesystem::path& path) {
    Fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(fd.value(), generic, sizeof address) != 0) return {};
    return fd;
}

inline void say(const Fd& connection, std::string_view text) {
    REQUIRE(::write(connection.value(), text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
}

// All that comes until the end.
inline std::string all_from(const Fd& connection) {
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const ssize_t n = ::read(connection.value(), part.data(), part.size());
        if (n <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(n));
    }
}

}  // namespace myq::test
