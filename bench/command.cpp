#include "bench/command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace myq::bench {

namespace {

// Appends what comes next; false at the end.
bool read_more(const Fd& fd, std::string& text) {
    std::array<char, 4096> part{};
    ssize_t size = 0;
    do {
        size = ::read(fd.value(), part.data(), part.size());
    } while (size < 0 && errno == EINTR);
    if (size > 0) text.append(part.data(), static_cast<std::size_t>(size));
    return size > 0;
}

}  // namespace

Command::Command(const std::vector<std::string>& words) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    output_ = Fd{ends[0]};
    const Fd writing{ends[1]};

    std::vector<char*> argv;
    for (const std::string& word : words)
        argv.push_back(const_cast<char*>(word.c_str()));  // NOLINT: exec's old signature
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, writing.value(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, writing.value(), STDERR_FILENO);
    const int error = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::system_error(error, std::generic_category(), words.front());
}

Command::~Command() {
    if (pid_ < 0) return;
    signal(SIGKILL);
    wait();
}

std::string Command::read_line() {
    std::size_t end = unread_.find('\n');
    while (end == std::string::npos && read_more(output_, unread_))
        end = unread_.find('\n');
    if (end == std::string::npos) return {};
    std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return line;
}

void Command::signal(int number) const {
    ::kill(pid_, number);
}

int Command::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string Command::rest() {
    while (read_more(output_, unread_)) {
    }
    return std::move(unread_);
}

}  // namespace myq::bench
