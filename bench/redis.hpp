#pragma once

#include "bench/command.hpp"
#include "bench/own_directory.hpp"
#include "daemon/unix/owned.hpp"

#include <filesystem>
#include <span>
#include <string_view>

namespace myq::bench {

// What large bodies are compared with: a list of Redis, on a local socket and kept in memory only.
class Redis {
public:
    static bool is_installed();

    Redis();

    std::filesystem::path socket() const { return run_.path() / "socket"; }

private:
    OwnDirectory run_;
    Command server_;
};

// A conversation with it.
class RedisConnection {
public:
    explicit RedisConnection(const Redis& server);

    // LPUSH: returns when the server has the body.
    void push(std::span<const std::byte> body) const;
    // BRPOP: waits for the next body and reads it to `body`, which is as long.
    void pop(std::span<std::byte> body) const;

private:
    void say(std::string_view words) const;
    void expect(std::string_view words) const;
    void read_whole(std::span<std::byte> bytes) const;

    Fd socket_;
};

// The other end, in a process of its own: takes bodies of one size and answers as the plugin does.
class RedisConsumer {
public:
    RedisConsumer(const Redis& server, std::size_t body_size);

private:
    ChildPid pid_;
};

}  // namespace myq::bench
