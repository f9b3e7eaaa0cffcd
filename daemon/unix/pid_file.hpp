#pragma once

#include "daemon/unix/owned.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <stdexcept>

namespace myq {

class AlreadyRunning : public std::runtime_error {
public:
    explicit AlreadyRunning(pid_t pid)
        : std::runtime_error("already running (pid " + std::to_string(pid) + ")") {}
};

// /run/myq/myqd.pid. What counts is the POSIX write lock on it, which the kernel drops when its
// owner dies and whose owner F_GETLK names; the number inside is for people and other tools.
// Opened once, and never again in this process: closing any descriptor of the file would drop the
// lock. Not inherited by fork().
class PidFile {
public:
    // Takes the lock and writes our pid. The directory must exist and belong to root or to us.
    // Throws AlreadyRunning, std::system_error.
    explicit PidFile(const std::filesystem::path& path);

    // Empties the file: the daemon ended in order. A file with a number and no lock is a crash.
    void clear() noexcept;

private:
    Fd fd_;
};

// What the pid file tells somebody else.
struct PidFileState {
    std::optional<pid_t> holder;  // the daemon that runs
    bool stale = false;           // nobody runs, but a number is left
};

// Throws std::system_error when it cannot be read; a missing file is nobody running.
PidFileState read_pid_file(const std::filesystem::path& path);

// Empties a stale file, so that it no longer tells of a crash. Does nothing while somebody runs.
void clear_stale_pid_file(const std::filesystem::path& path);

}  // namespace myq
