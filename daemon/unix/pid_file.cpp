#include "daemon/unix/pid_file.hpp"

#include "daemon/unix/failure.hpp"
#include "daemon/unix/file_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

namespace myq {

namespace {

Fd open_pid_file(const std::filesystem::path& path, int flags) {
    return Fd{::open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644)};
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

}  // namespace

PidFile::PidFile(const std::filesystem::path& path) : fd_(open_pid_file(path, O_RDWR | O_CREAT)) {
    if (!fd_) throw failure("cannot open the pid file " + path.string());
    check_is_ours(fd_, path);
    if (!try_lock(fd_)) throw AlreadyRunning(lock_holder(fd_).value_or(0));
    const std::string text = std::to_string(::getpid()) + "\n";
    // umask is 077 by now, and everybody may ask whether the daemon runs.
    if (::fchmod(fd_.value(), 0644) != 0 || ::ftruncate(fd_.value(), 0) != 0 ||
        ::pwrite(fd_.value(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        throw failure("cannot write the pid file " + path.string());
    }
}

void PidFile::clear() noexcept {
    [[maybe_unused]] const int ignored = ::ftruncate(fd_.value(), 0);
}

PidFileState read_pid_file(const std::filesystem::path& path) {
    const Fd fd = open_pid_file(path, O_RDONLY);
    if (!fd) {
        if (errno == ENOENT) return {};
        throw failure("cannot open the pid file " + path.string());
    }
    PidFileState state;
    state.holder = lock_holder(fd);
    struct stat st {};
    if (::fstat(fd.value(), &st) != 0) throw failure("fstat " + path.string());
    state.stale = !state.holder && st.st_size > 0;
    return state;
}

void clear_stale_pid_file(const std::filesystem::path& path) {
    const Fd fd = open_pid_file(path, O_RDWR);
    if (!fd) {
        if (errno == ENOENT) return;
        throw failure("cannot open the pid file " + path.string());
    }
    // Under the lock, so that a daemon that starts right now is not robbed of its number.
    if (!try_lock(fd)) return;
    if (::ftruncate(fd.value(), 0) != 0)
        throw failure("cannot empty the pid file " + path.string());
}

}  // namespace myq
