#include "tests/conformance/php_peer.hpp"

#include "tests/support/run.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

extern char** environ;

namespace myq::test {

namespace {

std::pair<Fd, Fd> make_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

std::string frame(std::string_view bytes) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    std::string all(sizeof size, '\0');
    std::memcpy(all.data(), &size, sizeof size);
    return all.append(bytes);
}

std::size_t frame_size(std::string_view bytes) {
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof size);
    return size;
}

}  // namespace

PhpPeer::PhpPeer() {
    if (run({"sh", "-c", "command -v php >/dev/null"}).exit_code != 0) {
        std::puts("skipped: no php");
        std::fflush(stdout);
        _exit(77);
    }
    auto [their_in, to] = make_pipe();
    auto [from, their_out] = make_pipe();
    std::array<std::string, 6> words{"php", "-d",           "memory_limit=-1",
                                     "-d",  "precision=14", SERIALIZE_PEER};
    std::array<char*, 7> arguments{};
    for (std::size_t i = 0; i < words.size(); ++i)
        arguments[i] = words[i].data();
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, their_in.value(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, their_out.value(), STDOUT_FILENO);
    REQUIRE(::posix_spawnp(&pid_, "php", &actions, nullptr, arguments.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    to_ = std::move(to);
    from_ = std::move(from);
}

PhpPeer::~PhpPeer() {
    to_ = Fd();  // it ends with its input
    ::waitpid(pid_, nullptr, 0);
}

void PhpPeer::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(to_.value(), bytes.data(), bytes.size());
        REQUIRE(written > 0);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string PhpPeer::read(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < size;) {
        const ssize_t got = ::read(from_.value(), bytes.data() + at, size - at);
        REQUIRE(got > 0);  // else the peer is gone
        at += static_cast<std::size_t>(got);
    }
    return bytes;
}

std::vector<std::optional<std::string>> PhpPeer::ask(char verb,
                                                     const std::vector<std::string>& questions) {
    std::string request(1, verb);
    for (const std::string& question : questions)
        request += frame(question);
    // It reads all before it answers, so neither waits for the other with a full pipe.
    write(frame(request));
    const std::string replies = read(frame_size(read(sizeof(std::uint32_t))));
    std::vector<std::optional<std::string>> all;
    for (std::string_view rest = replies; !rest.empty();) {
        const std::string_view reply = rest.substr(sizeof(std::uint32_t), frame_size(rest));
        rest.remove_prefix(sizeof(std::uint32_t) + reply.size());
        const bool is_answer = reply.front() == '+';
        all.push_back(is_answer ? std::optional(std::string(reply.substr(1))) : std::nullopt);
    }
    REQUIRE(all.size() == questions.size());
    return all;
}

std::optional<std::string> PhpPeer::ask(char verb, std::string_view question) {
    return ask(verb, std::vector{std::string(question)}).front();
}

}  // namespace myq::test
