#include "tests/conformance/sysv_peer.hpp"

#include "tests/support/run.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <system_error>

namespace myq::test {

namespace {

void skip_without(const Language& language) {
    const std::string program(language.program);
    if (run({"sh", "-c", R"(command -v "$0" >/dev/null && "$0" "$1" "$2")", program,
             std::string(language.probe_option), std::string(language.probe)})
            .exit_code == 0) {
        return;
    }
    std::puts(("skipped: no usable " + program).c_str());
    std::fflush(stdout);
    _exit(77);
}

}  // namespace

Peer::Peer(const Language& language) {
    skip_without(language);
    signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::string program(language.program);
    std::string script = std::string(PEERS) + "/" + std::string(language.script);
    const std::array<char*, 3> arguments{program.data(), script.data(), nullptr};
    const int error =
        posix_spawnp(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = out[0];
    if (error != 0) throw std::system_error(error, std::generic_category(), program);
}

Peer::~Peer() {
    if (pid_ > 0) kill();
    close(to_);
    close(from_);
}

std::string Peer::says(std::string_view line) {
    begin(line);
    return answer();
}

void Peer::begin(std::string_view line) {
    std::string text(line);
    std::ranges::replace(text, '\n', ' ');
    text += '\n';
    REQUIRE(write(to_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::string Peer::answer() {
    std::size_t end = read_.find('\n');
    while (end == std::string::npos) {
        pollfd waiting{from_, POLLIN, 0};
        REQUIRE(poll(&waiting, 1, 30'000) == 1);
        std::array<char, 4096> buffer{};
        const ssize_t size = read(from_, buffer.data(), buffer.size());
        if (size <= 0) return "(ended)";
        read_.append(buffer.data(), static_cast<std::size_t>(size));
        end = read_.find('\n');
    }
    std::string line = read_.substr(0, end);
    read_.erase(0, end + 1);
    return line;
}

bool Peer::waits_for_semaphore() const {
    return blocks_in(pid_, SYS_semtimedop);
}

void Peer::end() {
    close(to_);
    to_ = -1;
    reap();
}

void Peer::kill() {
    ::kill(pid_, SIGKILL);
    reap();
}

void Peer::reap() {
    wait_for(pid_);
    pid_ = -1;
}

}  // namespace myq::test
