#include "bench/redis.hpp"

#include "bench/load.hpp"

#include <fmt/format.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace myq::bench {

namespace {

constexpr const char* program = "/usr/bin/redis-server";

}  // namespace

bool Redis::is_installed() {
    return ::access(program, X_OK) == 0;
}

Redis::Redis()
    : server_({program, "--port", "0", "--unixsocket", socket().native(), "--save", "",
               "--appendonly", "no", "--daemonize", "no"}) {
    // Nothing else tells when it listens.
    const Patience patience;
    for (;;) {
        try {
            const RedisConnection trial(*this);
            return;
        } catch (const std::system_error& e) {
            if (e.code() != std::errc::no_such_file_or_directory &&
                e.code() != std::errc::connection_refused) {
                throw;
            }
        }
        if (::usleep(1000) != 0) throw_call_failed("usleep");
    }
}

RedisConnection::RedisConnection(const Redis& server)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = server.socket().native();
    if (name.size() >= sizeof address.sun_path) {
        throw std::runtime_error(name + ": too long for the name of a socket");
    }
    name.copy(static_cast<char*>(address.sun_path), name.size());
    const auto* to = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: its only way
    if (::connect(socket_.value(), to, sizeof address) != 0) throw_call_failed("connect");
}

void RedisConnection::say(std::string_view words) const {
    while (!words.empty()) {
        const ssize_t part = ::write(socket_.value(), words.data(), words.size());
        if (part < 0) throw_call_failed("write to redis");
        words.remove_prefix(static_cast<std::size_t>(part));
    }
}

void RedisConnection::read_whole(std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
        const ssize_t part = ::read(socket_.value(), bytes.data(), bytes.size());
        if (part < 0) throw_call_failed("read from redis");
        if (part == 0) throw std::runtime_error("redis has hung up");
        bytes = bytes.subspan(static_cast<std::size_t>(part));
    }
}

// The server's words are known beforehand to the letter.
void RedisConnection::expect(std::string_view words) const {
    std::string heard(words.size(), '\0');
    read_whole(std::as_writable_bytes(std::span(heard)));
    if (heard != words) throw std::runtime_error("redis: it says: " + heard);
}

void RedisConnection::push(std::span<const std::byte> body) const {
    say(fmt::format("*3\r\n$5\r\nLPUSH\r\n$4\r\nbody\r\n${}\r\n", body.size()));
    say({reinterpret_cast<const char*>(body.data()), body.size()});
    say("\r\n");
    expect(":1\r\n");
}

void RedisConnection::pop(std::span<std::byte> body) const {
    say("*3\r\n$5\r\nBRPOP\r\n$4\r\nbody\r\n$1\r\n0\r\n");
    expect(fmt::format("*2\r\n$4\r\nbody\r\n${}\r\n", body.size()));
    read_whole(body);
    expect("\r\n");
}

RedisConsumer::RedisConsumer(const Redis& server, std::size_t body_size) {
    const pid_t pid = ::fork();
    if (pid < 0) throw_call_failed("fork");
    if (pid == 0) {
        for (const int signal : {SIGINT, SIGTERM, SIGALRM})
            ::signal(signal, SIG_DFL);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        try {
            const RedisConnection connection(server);
            std::vector<std::byte> body(body_size);
            Mark mark;
            do {
                connection.pop(body);
            } while (answer_if_asked(body, mark));
        } catch (const std::exception& e) {
            fmt::print(stderr, "myq-bench: a consumer: {}\n", e.what());
        }
        ::_exit(EXIT_FAILURE);
    }
    pid_ = ChildPid{pid};
}

}  // namespace myq::bench
