#include "daemon/unix/pid_file.hpp"

#include "daemon/unix/failure.hpp"
#include "daemon/unix/file_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

namespace myq {

namespace {

Fd open_run_file(const std::filesystem::path& path, int flags, mode_t mode) {
    return Fd{::open(path.c_str(), flags | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode)};
}

// A file that somebody else may have put there, or may still write, tells nothing.
void check_is_ours(const Fd& fd, const std::filesystem::path& path) {
    struct stat st {};
    if (::fstat(fd.value(), &st) != 0) throw failure("fstat " + path.string());
    const bool owner = st.st_uid == 0 || st.st_uid == ::geteuid();
    if (!S_ISREG(st.st_mode) || !owner || (st.st_mode & 022) != 0 || st.st_nlink != 1) {
        errno = EPERM;
        throw failure(path.string() + " is not a plain file of root's or ours; remove it");
    }
}

Fd open_lock(const std::filesystem::path& path) {
    Fd fd = open_run_file(path, O_CREAT, 0600);
    if (!fd) throw failure("cannot open the lock " + path.string());
    check_is_ours(fd, path);
    if (::fchmod(fd.value(), 0600) != 0) throw failure("chmod " + path.string());
    return fd;
}

Fd open_number(const std::filesystem::path& path) {
    Fd fd = open_run_file(path, O_CREAT, 0644);
    if (!fd) throw failure("cannot open the pid file " + path.string());
    check_is_ours(fd, path);
    return fd;
}

}  // namespace

PidFile::PidFile(const std::filesystem::path& lock, const std::filesystem::path& number)
    : lock_(open_lock(lock)),
      number_(open_number(number)) {
    if (!try_lock(lock_)) throw AlreadyRunning("already running");
    const std::string text = std::to_string(::getpid()) + "\n";
    // umask is 077 by now, and everybody may ask whether the daemon runs.
    if (::fchmod(number_.value(), 0644) != 0 || ::ftruncate(number_.value(), 0) != 0 ||
        ::pwrite(number_.value(), text.data(), text.size(), 0) !=
            static_cast<ssize_t>(text.size())) {
        throw failure("cannot write the pid file " + number.string());
    }
}

PidFile::~PidFile() {
    [[maybe_unused]] const int ignored = ::ftruncate(number_.value(), 0);
}

void clear_stale_pid_file(const std::filesystem::path& lock, const std::filesystem::path& number) {
    const Fd fd = open_run_file(number, 0, 0);
    if (!fd) {
        if (errno == ENOENT) return;
        throw failure("cannot open the pid file " + number.string());
    }
    // Under the lock, so that a daemon that starts right now is not robbed of its number.
    const Fd locked = open_lock(lock);
    if (!try_lock(locked)) return;
    if (::ftruncate(fd.value(), 0) != 0)
        throw failure("cannot empty the pid file " + number.string());
}

}  // namespace myq
