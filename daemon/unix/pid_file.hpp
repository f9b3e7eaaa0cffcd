#pragma once

#include "daemon/unix/owned.hpp"

#include <filesystem>
#include <stdexcept>

namespace myq {

class AlreadyRunning : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The mark of the daemon that runs: a POSIX write lock on a file that nobody else may open (mode
// 0600), which the kernel drops when its owner dies and whose owner F_GETLK names; and beside it
// the number of the process, for people and other tools to read. The lock file is opened once, and
// never again in this process: closing any descriptor of it would drop the lock.
class PidFile {
public:
    // Takes the lock and writes our pid. The directory must exist and belong to root or to us.
    // Throws AlreadyRunning when somebody has the lock, std::system_error.
    PidFile(const std::filesystem::path& lock, const std::filesystem::path& number);

    // Empties the file: the daemon ended in order, or did not come to its start. A file with a
    // number and no lock is a crash.
    ~PidFile();
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;

private:
    Fd lock_, number_;
};

// Empties a stale file, so that it no longer tells of a crash. Does nothing while somebody runs.
void clear_stale_pid_file(const std::filesystem::path& lock, const std::filesystem::path& number);

}  // namespace myq
