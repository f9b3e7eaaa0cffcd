#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

// Who keeps us from a write lock on a file (fcntl(2), "Advisory record locking").
namespace myq {

struct LockHolder {
    // 0: the kernel does not say. A lock of an open file description may be several processes',
    // and one of another PID namespace has no number here.
    pid_t pid = 0;
    bool is_writer = false;  // it has a write lock

    // For people: "process 4711 (php) of uid 33". Finds some that the kernel does not name, where
    // we may look at who has the file open.
    std::string text;
};

// Of any byte of the file, or of the one at `byte`; nullopt for nobody but ourselves. `file` is
// open for reading at least. Throws std::system_error.
std::optional<LockHolder> lock_holder(int file, std::optional<off_t> byte = {});

// Whom a process runs as; nullopt if that is not to be seen, or there is no such process.
std::optional<uid_t> user_of_process(pid_t pid);

}  // namespace myq
