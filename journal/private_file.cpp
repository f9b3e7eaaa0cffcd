#include "journal/private_file.hpp"

#include "journal/journal.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace myq {

namespace {

using Kind = JournalError::Kind;

[[noreturn]] void refuse(Kind kind, const std::filesystem::path& path, const std::string& reason) {
    throw JournalError(kind, fmt::format("{}: {}", path.string(), reason));
}

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int error) {
    Kind kind = Kind::other;
    if (error == EACCES || error == EPERM || error == EROFS || error == ELOOP) kind = Kind::denied;
    if (error == ENOSPC || error == EDQUOT) kind = Kind::full;
    if (error == ENOENT || error == ENOTDIR) kind = Kind::missing;
    if (error == EIO) kind = Kind::io;
    refuse(kind, path, fmt::format("{}: {}", what, std::generic_category().message(error)));
}

void check_is_ours(const std::filesystem::path& path, const struct stat& status) {
    if (S_ISLNK(status.st_mode)) {
        refuse(Kind::denied, path, "is a symbolic link: put the file itself there");
    }
    if (!S_ISREG(status.st_mode)) {
        refuse(Kind::denied, path, "is not a regular file: move it away");
    }
    if (status.st_uid != ::geteuid()) {
        refuse(Kind::denied, path,
               fmt::format("belongs to uid {}, and this is uid {}: run it as the owner",
                           status.st_uid, ::geteuid()));
    }
}

// -1 if there is one already.
int make(const std::filesystem::path& path) {
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const int descriptor = ::open(path.c_str(), flags, 0600);
    if (descriptor < 0) {
        if (errno == EEXIST) return -1;
        fail(path, "cannot be made", errno);
    }
    // The umask has no say in it, not even one that takes from the owner.
    if (::fchmod(descriptor, 0600) != 0) {
        const int error = errno;
        ::close(descriptor);
        fail(path, "cannot be made", error);
    }
    return descriptor;
}

int open_or_make(const std::filesystem::path& path) {
    if (const int made = make(path); made >= 0) return made;
    // Not blocking: a FIFO by that name would hold us for ever.
    const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    return ::open(path.c_str(), flags);
}

}  // namespace

PrivateFile::PrivateFile(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(open_or_make(path_)) {
    if (descriptor_ < 0) fail(path_, "cannot be opened", errno);
    struct stat status {};
    try {
        if (::fstat(descriptor_, &status) != 0) fail(path_, "cannot be opened", errno);
        check_is_ours(path_, status);
    } catch (...) {
        ::close(descriptor_);
        throw;
    }
}

PrivateFile::~PrivateFile() {
    ::close(descriptor_);
}

bool exists_as_ours(const std::filesystem::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return false;
        fail(path, "cannot be looked at", errno);
    }
    check_is_ours(path, status);
    return true;
}

void make_durably(const std::filesystem::path& path) {
    const int file = make(path);
    if (file < 0) return;
    // Nobody can have opened it through SQLite yet: the caller holds the journal's lock.
    ::close(file);
    const std::filesystem::path directory = path.parent_path();
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) fail(directory, "cannot be opened", errno);
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (error != 0) fail(directory, "fsync", error);
}

}  // namespace myq
