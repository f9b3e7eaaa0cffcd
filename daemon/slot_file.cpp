#include "daemon/slot_file.hpp"

#include "daemon/unix/failure.hpp"
#include "ipc/lock_holder.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <algorithm>

namespace myq {

namespace {

constexpr std::uint64_t slot_magic = 0x32746f6c7371796dULL;  // "myqslot2"

template <typename T>
bool read_at(const Fd& fd, std::size_t offset, T& value) {
    return ::pread(fd.value(), &value, sizeof value, static_cast<off_t>(offset)) ==
           static_cast<ssize_t>(sizeof value);
}

}  // namespace

SlotFile::SlotFile(const std::filesystem::path& directory, const std::string& name,
                   std::size_t body_capacity)
    : directory_(directory),
      name_(name),
      fd_(::open((directory / name).c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)) {
    if (!fd_) throw failure("cannot make the slot " + (directory / name).string());
    evade_stranger();
    adopt_or_make(body_capacity);
}

SlotFile::SlotFile(std::size_t body_capacity)
    : name_("anonymous"),
      fd_(::memfd_create("myq-slot", MFD_CLOEXEC)) {
    if (!fd_) throw failure("cannot make a slot: memfd_create");
    adopt_or_make(body_capacity);
}

void SlotFile::adopt_or_make(std::size_t body_capacity) {
    struct stat st {};
    if (::fstat(fd_.value(), &st) != 0) throw failure("fstat slot " + name_);
    const auto size = static_cast<std::size_t>(st.st_size);
    SlotHeader header{};
    // What cannot be read may hold a message: only what is something else is made anew.
    const ssize_t n = ::pread(fd_.value(), &header, sizeof header, 0);
    if (n < 0) throw failure("cannot read the slot " + name_);
    const bool is_slot = n == static_cast<ssize_t>(sizeof header) && header.magic == slot_magic &&
                         header.body_capacity <= size &&
                         slot_file_size(header.body_capacity) <= size;
    if (!is_slot) return make(body_capacity, {});
    body_capacity_ = header.body_capacity;
    identity_ = header.identity;
    if (view().occupied || body_capacity_ == body_capacity) return;
    make(body_capacity, tallies());
}

void SlotFile::make(std::size_t body_capacity, const std::vector<TallyRow>& tallies) {
    const auto size = static_cast<off_t>(slot_file_size(body_capacity));
    // Every page now, while failing is still harmless: a hole that meets a full file system later
    // would lose the message. Grown before it is cut, so that a slot which cannot grow stays whole
    // for whoever has it mapped.
    if (::fallocate(fd_.value(), 0, 0, size) != 0) throw failure("no room for the slot " + name_);
    SlotHeader header{};
    header.magic = slot_magic;
    header.body_capacity = body_capacity;
    std::copy(tallies.begin(), tallies.end(), header.tallies.begin());
    if (::getrandom(&header.identity, sizeof header.identity, 0) != sizeof header.identity)
        throw failure("getrandom");
    header.identity >>= 1U;  // a positive number in SQL
    const std::int64_t empty = 0;
    const auto body_at = static_cast<off_t>(slot_header_size);
    if (::ftruncate(fd_.value(), size) != 0 ||
        ::pwrite(fd_.value(), &empty, sizeof empty, body_at) != sizeof empty ||
        ::pwrite(fd_.value(), &header, sizeof header, 0) != sizeof header) {
        throw failure("cannot make the slot " + name_);
    }
    body_capacity_ = body_capacity;
    identity_ = header.identity;
}

void SlotFile::evade_stranger() {
    const auto holder = lock_holder(fd_.value());
    if (!holder) return;
    spdlog::warn("slot {} is locked by {}, which is no worker of ours; a copy takes its place",
                 name_, holder->text);
    fd_ = copy();
}

Fd SlotFile::copy() const {
    const bool has_file = !directory_.empty();
    const std::filesystem::path unfinished = directory_ / ("~" + name_);
    if (has_file) ::unlink(unfinished.c_str());  // of a start that was killed here
    constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    Fd other{has_file ? ::open(unfinished.c_str(), flags, 0600)
                      : ::memfd_create("myq-slot", MFD_CLOEXEC)};
    struct stat st {};
    if (!other || ::fstat(fd_.value(), &st) != 0)
        throw failure("cannot make a copy of the slot " + name_);
    if (st.st_size > 0 && ::fallocate(other.value(), 0, 0, st.st_size) != 0)
        throw failure("no room for a copy of the slot " + name_);
    off_t at = 0;
    while (at < st.st_size) {
        const auto left = static_cast<std::size_t>(st.st_size - at);
        const ssize_t n = ::sendfile(other.value(), fd_.value(), &at, left);
        if (n < 0) throw failure("cannot copy the slot " + name_);
        if (n == 0) break;  // somebody cut it short
    }
    if (has_file && ::rename(unfinished.c_str(), (directory_ / name_).c_str()) != 0)
        throw failure("cannot put a copy in the place of the slot " + name_);
    return other;
}

SlotView SlotFile::view() const {
    SlotView view;
    SlotHeader header{};
    view.broken = !read_at(fd_, 0, header) || !read_at(fd_, slot_header_size, view.type);
    if (view.broken) return view;
    view.occupied = view.type != 0 || header.claims_held != 0 || header.handful.open != 0 ||
                    header.settling_place != 0;
    view.messages = header.messages;
    view.deadline_ns = header.deadline_ns;
    view.needed_body = header.needed_body;
    view.attempts = header.attempts;
    return view;
}

std::vector<TallyRow> SlotFile::tallies() const {
    SlotHeader header{};
    if (!read_at(fd_, 0, header)) return {};
    return {header.tallies.begin(), header.tallies.end()};
}

SlotSnapshot look_at_slot(const Fd& file) {
    SlotHeader header{};
    SlotSnapshot slot;
    if (!read_at(file, 0, header) || header.magic != slot_magic) return slot;
    if (!read_at(file, slot_header_size, slot.type)) return slot;
    slot.identity = header.identity;
    slot.row = header.row;
    slot.batch_size = header.batch_size;
    slot.tallies = {header.tallies.begin(), header.tallies.end()};
    return slot;
}

}  // namespace myq
