#pragma once

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace myq::test {

// A daemon's control socket that gives one answer to one request.
class ControlSocket {
public:
    explicit ControlSocket(const std::filesystem::path& run_dir) {
        std::filesystem::create_directories(run_dir);
        const std::string path = run_dir / "control";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, path.data(), path.size());
        fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(listen(fd_, 5) == 0);
        REQUIRE(chmod(path.c_str(), 0666) == 0);
        // Whoever asks makes sure that it is the daemon who listens.
        std::ofstream(run_dir / "myqd.pid") << getpid();
    }
    ~ControlSocket() { close(fd_); }
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    // Waits for a client and returns the line that it sent.
    std::string answer(const std::string& text) const {
        const int client = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        REQUIRE(client >= 0);
        std::string request;
        for (char c = 0; c != '\n' && read(client, &c, 1) == 1;)
            request += c;
        CHECK(send(client, text.data(), text.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(text.size()));
        close(client);
        return request;
    }

private:
    int fd_ = -1;
};

}  // namespace myq::test
