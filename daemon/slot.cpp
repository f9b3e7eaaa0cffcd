#include "daemon/slot.hpp"

#include "daemon/unix/failure.hpp"
#include "daemon/unix/file_lock.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <new>
#include <stdexcept>

namespace myq {

namespace {

const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
constexpr std::uint64_t slot_magic = 0x31746f6c7371796dULL;  // "myqslot1"
constexpr std::size_t type_size = sizeof(std::int64_t);
constexpr std::byte filler{0xFF};

static_assert(sizeof(SlotHeader) <= 4096);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

std::size_t file_size(std::size_t body_capacity) {
    return page + (type_size + body_capacity + page - 1) / page * page;
}

void* map(int fd, std::size_t size, std::size_t offset, int protection) {
    void* address = ::mmap(nullptr, size, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (address == MAP_FAILED) throw failure("cannot map a slot");
    return address;
}

std::atomic_ref<std::int64_t> type_of(std::byte* buffer) {
    return std::atomic_ref<std::int64_t>(
        *reinterpret_cast<std::int64_t*>(buffer));  // NOLINT: struct msgbuf
}

}  // namespace

SlotFile::SlotFile(const std::filesystem::path& directory, const std::string& name,
                   std::size_t body_capacity)
    : name_(name),
      fd_(::open((directory / name).c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)) {
    if (!fd_) throw failure("cannot make the slot " + (directory / name).string());
    map_header(body_capacity);
}

SlotFile::SlotFile(std::size_t body_capacity)
    : name_("anonymous"),
      fd_(::memfd_create("myq-slot", MFD_CLOEXEC)) {
    if (!fd_) throw failure("cannot make a slot: memfd_create");
    map_header(body_capacity);
}

SlotFile::~SlotFile() {
    ::munmap(header_, page);
}

void SlotFile::map_header(std::size_t body_capacity) {
    struct stat st {};
    if (::fstat(fd_.value(), &st) != 0) throw failure("fstat slot " + name_);
    const auto size = static_cast<std::size_t>(st.st_size);
    if (size >= 2 * page) {
        header_ = static_cast<SlotHeader*>(map(fd_.value(), page, 0, PROT_READ | PROT_WRITE));
        body_capacity_ = header_->body_capacity;
        const bool sane = header_->magic == slot_magic && body_capacity_ <= size &&
                          file_size(body_capacity_) == size;
        if (sane && (view().occupied || body_capacity_ == body_capacity)) return;
        ::munmap(header_, page);
    }
    if (lock_holder(fd_)) throw std::runtime_error("slot " + name_ + " is held by another process");
    body_capacity_ = body_capacity;
    const auto new_size = static_cast<off_t>(file_size(body_capacity));
    // Every page now, while failing is still harmless: a hole that meets a full file system later
    // would lose the message. Grown before it is cut, so that a slot which cannot grow stays whole
    // for whoever has it mapped.
    if (::fallocate(fd_.value(), 0, 0, new_size) != 0) {
        throw failure("no room for the slot " + name_);
    }
    const std::int64_t empty = 0;
    if (::ftruncate(fd_.value(), new_size) != 0 ||
        ::pwrite(fd_.value(), &empty, sizeof empty, static_cast<off_t>(page)) != sizeof empty) {
        throw failure("cannot make the slot " + name_);
    }
    header_ = new (map(fd_.value(), page, 0, PROT_READ | PROT_WRITE)) SlotHeader{};
    header_->body_capacity = body_capacity;
    header_->magic = slot_magic;
}

SlotView SlotFile::view() const {
    SlotView view;
    std::int64_t type = 0;
    if (::pread(fd_.value(), &type, sizeof type, static_cast<off_t>(page)) != sizeof type)
        throw failure("cannot read the slot " + name_);
    view.occupied = type != 0;
    view.messages = header_->messages;
    view.deadline_ns = header_->deadline_ns;
    view.needed_body = header_->needed_body;
    return view;
}

SlotCounts SlotFile::counts() const {
    return {header_->done, header_->retry, header_->reject, header_->dead};
}

Slot::Slot(const SlotFile& file) {
    if (!try_lock(file.fd())) {
        throw std::runtime_error("slot " + file.name() + " is held by another process");
    }
    header_ = static_cast<SlotHeader*>(map(file.fd().value(), page, 0, PROT_READ | PROT_WRITE));
    capacity_ = file.body_capacity();
    size_ = file_size(capacity_) - page;
    buffer_ = static_cast<std::byte*>(map(file.fd().value(), size_, page, PROT_READ | PROT_WRITE));
    read_only_ = static_cast<const std::byte*>(map(file.fd().value(), size_, page, PROT_READ));

    // A fork shares the pages but not the page tables: every page is touched here, in the process
    // that receives, or the first store of msgrcv would fault.
    if (::madvise(header_, page, MADV_POPULATE_WRITE) != 0 ||
        ::madvise(buffer_, size_, MADV_POPULATE_WRITE) != 0) {
        throw failure("cannot populate the slot " + file.name());
    }
    // Best effort: a locked page cannot be swapped out, and a swapped one only costs time.
    ::mlock(buffer_, size_);
    // A process that a handler forks has no business in the slot.
    ::madvise(header_, page, MADV_DONTFORK);
    ::madvise(buffer_, size_, MADV_DONTFORK);

    header_->needed_body = 0;
    // The last worker's time; this one's begins with its attempt.
    header_->deadline_ns = 0;
    if (!occupied()) {
        empty();
    } else if (header_->state == SlotState::armed) {
        header_->attempts = 0;
        header_->length = static_cast<std::int64_t>(find_length());
        header_->state = SlotState::busy;
    }
    // Whoever wrote the header last may have been a stray store of a plugin.
    if (header_->length < 0 || static_cast<std::size_t>(header_->length) > capacity_) {
        header_->length = static_cast<std::int64_t>(find_length());
    }
}

Slot::~Slot() {
    ::munmap(header_, page);
    ::munmap(buffer_, size_);
    ::munmap(const_cast<std::byte*>(read_only_), size_);  // NOLINT: munmap takes no const
}

bool Slot::occupied() const {
    return type_of(buffer_) != 0;
}

std::int64_t Slot::type() const {
    return type_of(buffer_);
}

std::span<const std::byte> Slot::body() const {
    return {read_only_ + type_size, static_cast<std::size_t>(header_->length)};
}

void Slot::landed(std::size_t length) {
    header_->length = static_cast<std::int64_t>(length);
    header_->attempts = 0;
    header_->state.store(SlotState::busy, std::memory_order_release);
}

void Slot::begin_attempt(std::int64_t deadline_ns) {
    ++header_->attempts;
    header_->deadline_ns.store(deadline_ns, std::memory_order_release);
}

void Slot::settle(std::atomic<std::uint64_t> SlotHeader::*outcome) {
    // One writer: a plain add, not a locked one.
    auto add_one = [](std::atomic<std::uint64_t>& count) {
        count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    };
    type_of(buffer_).store(0, std::memory_order_release);  // the acknowledgement
    add_one(header_->*outcome);
    add_one(header_->messages);
    header_->deadline_ns.store(0, std::memory_order_relaxed);
    // Killed in here, the slot is empty and its next worker fills it whole.
    std::memset(buffer_ + type_size, static_cast<int>(filler),
                static_cast<std::size_t>(header_->length));
    header_->length = 0;
    header_->state.store(SlotState::armed, std::memory_order_release);
}

void Slot::empty() {
    std::memset(buffer_ + type_size, static_cast<int>(filler), capacity_);
    header_->length = 0;
    header_->attempts = 0;
    header_->deadline_ns = 0;
    header_->state = SlotState::armed;
}

std::size_t Slot::find_length() const {
    std::size_t length = capacity_;
    while (length > 0 && buffer_[type_size + length - 1] == filler)
        --length;
    return length;
}

}  // namespace myq
