#include "daemon/scratch_directory.hpp"

#include "daemon/unix/child.hpp"
#include "daemon/unix/daemonize.hpp"
#include "daemon/unix/failure.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <system_error>

namespace myq {

namespace {

void sweep(const std::filesystem::path& path) noexcept {
    std::error_code ignored;  // what is left is in /tmp, and in nobody's way
    std::filesystem::remove_all(path, ignored);
}

// Out of reach of a terminal's Ctrl-C, and keeping nobody's output open.
int sweep_when_left(const Fd& alive, const std::filesystem::path& path) {
    ::prctl(PR_SET_PDEATHSIG, 0);  // that is what it waits for
    ::setsid();
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        silence(fd);
    char end = 0;
    while (::read(alive.value(), &end, 1) < 0 && errno == EINTR) {
    }
    sweep(path);
    return EXIT_SUCCESS;
}

}  // namespace

ScratchDirectory::ScratchDirectory() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw failure("pipe2");
    const Fd other{ends[0]};
    alive_ = Fd{ends[1]};
    std::string name = "/tmp/myqd-try-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw failure("cannot make " + name);
    path_ = name;
    janitor_ = fork_child([&] { return sweep_when_left(other, path_); }, {other.value()});
}

ScratchDirectory::~ScratchDirectory() {
    sweep(path_);
}

}  // namespace myq
