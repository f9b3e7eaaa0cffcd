#include "daemon/unix/file_lock.hpp"

#include "daemon/unix/failure.hpp"

#include <fcntl.h>

namespace myq {

namespace {

struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

}  // namespace

bool try_lock(const Fd& file) {
    struct flock lock = whole_file();
    if (::fcntl(file.value(), F_SETLK, &lock) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    throw failure("F_SETLK");
}

std::optional<pid_t> lock_holder(const Fd& file) {
    struct flock lock = whole_file();
    if (::fcntl(file.value(), F_GETLK, &lock) != 0) throw failure("F_GETLK");
    if (lock.l_type == F_UNLCK) return std::nullopt;
    return lock.l_pid;
}

}  // namespace myq
