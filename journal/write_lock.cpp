#include "journal/write_lock.hpp"

#include "journal/journal.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace myq {

namespace {

[[noreturn]] void fail(const PrivateFile& file, const char* call) {
    throw JournalError(JournalError::Kind::other,
                       fmt::format("{}: {}: {}", file.path().string(), call,
                                   std::generic_category().message(errno)));
}

// Bytes of the file, which need not be there. An older myq locks the whole file at once, and so is
// kept out of the room and keeps others out of it.
constexpr off_t door = 0;
constexpr off_t room = 1;

struct flock byte_lock(short type, off_t at) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = at;
    lock.l_len = 1;
    return lock;
}

void lock(const PrivateFile& file, off_t at) {
    struct flock wanted = byte_lock(F_WRLCK, at);
    while (::fcntl(file.descriptor(), F_SETLKW, &wanted) != 0) {
        if (errno != EINTR) fail(file, "F_SETLKW");
    }
}

void unlock(const PrivateFile& file, off_t at) {
    struct flock none = byte_lock(F_UNLCK, at);
    ::fcntl(file.descriptor(), F_SETLK, &none);
}

}  // namespace

WriteLock::WriteLock(std::filesystem::path file) : file_(std::move(file)) {}

WriteLock::Held::Held(const WriteLock& of) : lock_(of) {
    lock(lock_.file_, door);
    try {
        lock(lock_.file_, room);
    } catch (...) {
        unlock(lock_.file_, door);
        throw;
    }
    unlock(lock_.file_, door);
}

WriteLock::Held::~Held() {
    unlock(lock_.file_, room);
}

std::uint64_t WriteLock::free_on_disk() const {
    struct statvfs disk {};
    if (::fstatvfs(file_.descriptor(), &disk) != 0) fail(file_, "fstatvfs");
    return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

}  // namespace myq
