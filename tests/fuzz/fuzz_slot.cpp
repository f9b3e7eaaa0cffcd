// Any bytes in a slot: what a worker, an intake and a daemon that starts make of it. Slots outlive
// their writers, and a plugin can write into them.
//
// An input is a Plan, then what lies in the slot's body from its type on, then the header from its
// first byte on; the rest of the header is that of a slot just made. Some have the first part
// behind the body once more, where a handful may be.
#include "daemon/batch.hpp"
#include "daemon/in_hand.hpp"
#include "daemon/slot.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <system_error>
#include <tuple>

using namespace myq;

namespace {

constexpr std::size_t page = 4096;

void must(bool holds) {
    if (!holds) __builtin_trap();
}

struct Plan {
    std::uint8_t role = 0;      // of what looks at the slot
    std::uint8_t capacity = 0;  // which of `capacities`
    std::uint16_t body_size = 0;
};

// The largest fill their pages to the last byte, so that whoever reads behind one is seen.
constexpr std::array<std::size_t, 6> capacities{0, 1, 23, 100, page - 8, 2 * page - 8};

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size)
        : rest_(std::as_bytes(std::span(data, size))) {
        std::memcpy(&plan_, rest_.data(), std::min(sizeof plan_, rest_.size()));
        rest_ = rest_.subspan(std::min(sizeof plan_, rest_.size()));
        body_ = rest_.first(std::min<std::size_t>(plan_.body_size, rest_.size()));
        rest_ = rest_.subspan(body_.size());
    }
    std::uint8_t role() const { return plan_.role; }
    std::size_t capacity() const { return capacities.at(plan_.capacity % capacities.size()); }

    // Into the slot, which keeps its size.
    void write_to(const SlotFile& file) const {
        const std::size_t type_and_body = sizeof(std::int64_t) + file.body_capacity();
        put(file.fd(), slot_header_size, body_.first(std::min(body_.size(), type_and_body)));
        put(file.fd(), 0, rest_.first(std::min(rest_.size(), sizeof(SlotHeader))));
    }

    // A handful too, in place of a message.
    bool has_handful() const { return plan_.role >= 128; }
    void write_behind(const SlotFile& file) const {
        struct stat status {};
        must(::fstat(file.fd().value(), &status) == 0);
        const auto end = static_cast<std::size_t>(status.st_size);
        must(::ftruncate(file.fd().value(), static_cast<off_t>(end + 2 * page)) == 0);
        put(file.fd(), end, body_.first(std::min(body_.size(), 2 * page)));
    }

private:
    static void put(const Fd& fd, std::size_t offset, std::span<const std::byte> bytes) {
        const ssize_t n =
            ::pwrite(fd.value(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        must(n == static_cast<ssize_t>(bytes.size()));
    }

    Plan plan_;
    std::span<const std::byte> body_, rest_;
};

// Reads each byte: that is where a span that is too long is seen.
void touch(std::span<const std::byte> bytes) {
    unsigned sum = 0;
    for (const std::byte byte : bytes)
        sum += std::to_integer<unsigned>(byte);
    [[maybe_unused]] volatile unsigned kept = sum;
}

std::uint64_t settled(const SlotFile& file) {
    std::uint64_t sum = 0;
    for (const TallyRow& row : file.tallies()) {
        for (const std::uint64_t count : row.counts)
            sum += count;
    }
    return sum;
}

// What the supervisor and `myq status` do at any time.
void look(const SlotFile& file) {
    const SlotView view = file.view();
    must(!view.broken);
    must(view.occupied || view.type == 0);
    must(settled(file) == settled(file));
    const SlotSnapshot snapshot = look_at_slot(file.fd());
    must(snapshot.identity == 0 || snapshot.type == view.type);
}

void check_message(const Slot& slot) {
    const InHand message = take_in_hand(slot);
    must(slot.body().size() <= slot.body_capacity());
    must(message.body.size() <= slot.body().size());
    touch(slot.body());
    touch(message.body);
    if (message.wish) touch(std::as_bytes(std::span(message.wish->unique_key)));
    must(slot.failures().size() <= std::tuple_size_v<decltype(SlotHeader::failures)>);
    for (const SlotFailure& failed : slot.failures())
        must(failed.cause_size <= failed.cause.size());
}

// As a worker does that finds it and handles what is in it, or puts it off.
void settle(Slot& slot, const SlotFile& file, std::uint8_t role) {
    const auto tally = static_cast<Tally>(role / 4 % tally_kinds);
    const std::size_t row = slot.tally_row(slot.type());
    const std::uint64_t before = settled(file);
    const std::int64_t journal_row = slot.row();
    const bool was_over = slot.is_row_over(journal_row);
    slot.begin_attempt(1);
    slot.note_failure(2, "no answer for 30s");
    check_message(slot);
    slot.settle(tally, row);
    must(!slot.occupied() && slot.row() == 0 && slot.body().empty());
    must(settled(file) == before + 1);
    const bool must_be_noted = journal_row != 0 && tally == Tally::handled &&
                               slot.done_rows().size() < Slot::most_done && !was_over;
    const auto done = slot.done_rows();
    must(!must_be_noted || std::find(done.begin(), done.end(), journal_row) != done.end());
}

// The slot is like new.
void use_again(Slot& slot) {
    slot.forget_done_rows();
    slot.hold_claims(false);
    const std::size_t size = std::min<std::size_t>(slot.body_capacity(), 5);
    const auto hello = std::as_bytes(std::span("hello", size));
    slot.load(7, 8, 9, {}, 0, hello);
    must(slot.occupied() && slot.row() == 7 && slot.type() == 8 && slot.attempts() == 9);
    must(std::ranges::equal(slot.body(), hello));
    must(!slot.is_row_over(7) && slot.failures().empty());
    slot.settle(Tally::handled, 0);
    must(slot.is_row_over(7));
}

void be_worker(const Input& input) {
    const SlotFile file(input.capacity());
    input.write_to(file);
    if (input.has_handful()) input.write_behind(file);
    look(file);
    Slot slot(file);
    must(slot.done_rows().size() <= Slot::most_done);
    must(slot.handful().messages().size() <= Handful::most_messages);
    do {
        if (!slot.occupied()) continue;
        check_message(slot);
        settle(slot, file, input.role());
    } while (slot.take_next());
    must(!slot.handful().is_open());
    use_again(slot);
    look(file);
}

// Finds a batch, lets a message land behind it, and is killed; the next one finds them all.
std::size_t grow(const SlotFile& file) {
    Slot slot(file);
    Batch batch(slot);
    for (const Batch::Message& message : batch.messages()) {
        must(message.type > 0);
        touch(message.body);
    }
    must(batch.messages().size() <= Batch::most_messages);
    const std::size_t room = batch.next_capacity();
    void* buffer = batch.next(3);
    must((buffer != nullptr) == (room >= 3 && batch.messages().size() < Batch::most_messages));
    if (buffer == nullptr) return batch.messages().size();
    const std::int64_t type = 5;
    std::memcpy(buffer, &type, sizeof type);
    std::memcpy(static_cast<std::byte*>(buffer) + sizeof type, "abc", 3);
    batch.landed(3);
    must(batch.messages().back().body.size() == 3 && batch.messages().back().type == 5);
    return batch.messages().size();
}

void be_intake(const Input& input) {
    const SlotFile file(input.capacity());
    input.write_to(file);
    const std::size_t messages = grow(file);
    Slot slot(file);
    Batch batch(slot);
    // What lies behind the last may look like one more, in bytes that are none of ours.
    must(batch.messages().size() >= messages);
    if (!batch.empty()) batch.clear();
    must(batch.empty() && !slot.occupied());
    must(Batch(slot).empty());
}

// A file that is there when the daemon starts, of any length.
void be_daemon(const Input& input, std::uint8_t pages) {
    static const std::filesystem::path directory =
        "/dev/shm/myq-fuzz-" + std::to_string(::getpid());
    std::filesystem::create_directory(directory);
    const std::filesystem::path path = directory / "jobs.0";
    std::filesystem::remove(path);
    {
        const SlotFile made(directory, "jobs.0", input.capacity());
        input.write_to(made);
    }
    if (pages < 4) std::filesystem::resize_file(path, pages * page + pages);
    const SlotFile found(directory, "jobs.0", 100);
    must(found.body_capacity() == 100 || found.view().occupied);
    look(found);
    const Slot slot(found);
    if (slot.occupied()) check_message(slot);
    std::filesystem::remove_all(directory);
}

// Somebody cuts the file before the worker has mapped it.
void be_worker_too_late(const Input& input, std::uint8_t pages) {
    const SlotFile file(input.capacity());
    input.write_to(file);
    must(::ftruncate(file.fd().value(), pages % 2 == 0 ? 0 : page) == 0);
    must(file.view().broken && look_at_slot(file.fd()).identity == 0);
    try {
        const Slot slot(file);
        must(false);
    } catch (const std::system_error&) {
        return;
    }
}

}  // namespace

// Mappings with nothing before and nothing behind them. What a Slot leaves that throws while it is
// made goes with the run.
namespace {

std::map<void*, std::size_t> mapped;

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names, by --wrap.
extern "C" {
void* __real_mmap(void*, std::size_t, int, int, int, off_t);
int __real_munmap(void*, std::size_t);

void* __wrap_mmap(void*, std::size_t size, int protection, int flags, int fd, off_t offset) {
    const std::size_t whole = size + 2 * page;
    void* room = __real_mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(room != MAP_FAILED);
    void* middle = static_cast<std::byte*>(room) + page;
    mapped[middle] = whole;
    return __real_mmap(middle, size, protection, flags | MAP_FIXED, fd, offset);
}

int __wrap_munmap(void* address, std::size_t size) {
    const auto found = mapped.find(address);
    must(found != mapped.end() && found->second == size + 2 * page);
    mapped.erase(found);
    return __real_munmap(static_cast<std::byte*>(address) - page, size + 2 * page);
}
}
// NOLINTEND(bugprone-reserved-identifier)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Input input(data, size);
    switch (input.role() % 4) {
    case 0:
        be_worker(input);
        break;
    case 1:
        be_intake(input);
        break;
    case 2:
        be_daemon(input, input.role() / 4 % 8);
        break;
    default:
        be_worker_too_late(input, input.role() / 4);
    }
    while (!mapped.empty())
        __wrap_munmap(mapped.begin()->first, mapped.begin()->second - 2 * page);
    return 0;
}
