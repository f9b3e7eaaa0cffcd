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

struct flock whole_file(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

}  // namespace

WriteLock::WriteLock(std::filesystem::path file) : file_(std::move(file)) {}

WriteLock::Held::Held(const WriteLock& lock) : lock_(lock) {
    struct flock wanted = whole_file(F_WRLCK);
    while (::fcntl(lock_.file_.descriptor(), F_SETLKW, &wanted) != 0) {
        if (errno != EINTR) fail(lock_.file_, "F_SETLKW");
    }
}

WriteLock::Held::~Held() {
    struct flock none = whole_file(F_UNLCK);
    ::fcntl(lock_.file_.descriptor(), F_SETLK, &none);
}

std::uint64_t WriteLock::free_on_disk() const {
    struct statvfs disk {};
    if (::fstatvfs(file_.descriptor(), &disk) != 0) fail(file_, "fstatvfs");
    return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

}  // namespace myq
