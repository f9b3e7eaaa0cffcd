#include "journal/write_lock.hpp"

#include "ipc/lock_holder.hpp"
#include "journal/alarm.hpp"
#include "journal/journal.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <chrono>
#include <optional>
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

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

bool try_to_lock(const PrivateFile& file, off_t at) {
    struct flock wanted = byte_lock(F_WRLCK, at);
    if (::fcntl(file.descriptor(), F_SETLK, &wanted) == 0) return true;
    if (errno != EAGAIN && errno != EACCES) fail(file, "F_SETLK");
    return false;
}

// Who waits stands in the door, so that who is in the room is the one to blame.
[[noreturn]] void give_up(const PrivateFile& file, milliseconds patience) {
    auto holder = lock_holder(file.descriptor(), room);
    if (!holder) holder = lock_holder(file.descriptor(), door);
    throw JournalError(JournalError::Kind::other,
                       fmt::format("{}: locked for {} s by {}: see what it is and end it",
                                   file.path().string(),
                                   std::chrono::duration<double>(patience).count(),
                                   holder ? holder->text : "one process after the other"));
}

void lock(const PrivateFile& file, off_t at, Clock::time_point deadline, milliseconds patience) {
    if (try_to_lock(file, at)) return;
    std::optional<Alarm> alarm;
    try {
        alarm.emplace(std::chrono::ceil<milliseconds>(deadline - Clock::now()));
    } catch (const std::system_error& e) {
        throw JournalError(JournalError::Kind::other,
                           fmt::format("{}: {}", file.path().string(), e.what()));
    }
    struct flock wanted = byte_lock(F_WRLCK, at);
    while (::fcntl(file.descriptor(), F_SETLKW, &wanted) != 0) {
        if (errno != EINTR) fail(file, "F_SETLKW");
        if (Clock::now() >= deadline) give_up(file, patience);
    }
}

void unlock(const PrivateFile& file, off_t at) {
    struct flock none = byte_lock(F_UNLCK, at);
    ::fcntl(file.descriptor(), F_SETLK, &none);
}

}  // namespace

WriteLock::WriteLock(std::filesystem::path file, milliseconds patience)
    : file_(std::move(file)),
      patience_(patience) {}

WriteLock::Held::Held(const WriteLock& of) : lock_(of) {
    const Clock::time_point deadline = Clock::now() + lock_.patience_;
    lock(lock_.file_, door, deadline, lock_.patience_);
    try {
        lock(lock_.file_, room, deadline, lock_.patience_);
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
