#include "client/doctor/run.hpp"

#include "client/argv.hpp"
#include "client/find_program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace myq::doctor {

namespace {

class Actions {
public:
    Actions(int out, int err) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    }
    ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;

    const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t n = 0; (n = ::read(fd, piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(n));
    return text;
}

}  // namespace

std::optional<Ran> run(const std::vector<std::string>& command) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return std::nullopt;
    // A file, since who reads two pipes one after the other may wait for ever.
    const int out = ::memfd_create("out", MFD_CLOEXEC);
    const Argv argv(command);
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, found(command.front()).c_str(),
                                     Actions(out, pipe[1]).get(), nullptr, argv.data(), environ);
    ::close(pipe[1]);
    Ran ran;
    if (error == 0) {
        ran.err = read_all(pipe[0]);
        ::waitpid(pid, &ran.status, 0);
        ::lseek(out, 0, SEEK_SET);
        ran.out = read_all(out);
    }
    ::close(pipe[0]);
    ::close(out);
    if (error != 0) return std::nullopt;
    return ran;
}

}  // namespace myq::doctor
