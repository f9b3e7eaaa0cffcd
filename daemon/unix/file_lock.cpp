#include "daemon/unix/file_lock.hpp"

#include "daemon/unix/failure.hpp"

#include <fcntl.h>

namespace myq {

bool try_lock(const Fd& file) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(file.value(), F_SETLK, &lock) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    throw failure("F_SETLK");
}

}  // namespace myq
