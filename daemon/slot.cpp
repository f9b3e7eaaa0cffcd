#include "daemon/slot.hpp"

#include "daemon/landed_length.hpp"
#include "daemon/ordered_store.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/file_lock.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>

namespace myq {

namespace {

static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);

void* map(int fd, std::size_t size, std::size_t offset, int protection) {
    void* address = ::mmap(nullptr, size, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (address == MAP_FAILED) throw failure("cannot map a slot");
    return address;
}

void unmap_both(std::byte* memory, const std::byte* read_only, std::size_t size) {
    if (size == 0) return;
    ::munmap(memory, size);
    ::munmap(const_cast<std::byte*>(read_only), size);  // NOLINT: munmap takes no const
}

std::atomic_ref<std::int64_t> type_of(std::byte* buffer) {
    return std::atomic_ref<std::int64_t>(
        *reinterpret_cast<std::int64_t*>(buffer));  // NOLINT: struct msgbuf
}

}  // namespace

Slot::Slot(const SlotFile& file) : name_(file.name()), fd_(file.fd().value()) {
    if (!try_lock(file.fd()))
        throw std::runtime_error("slot " + name_ + " is locked by another process");
    header_ = static_cast<SlotHeader*>(map(fd_, slot_header_size, 0, PROT_READ | PROT_WRITE));
    populate(header_, slot_header_size);
    capacity_ = file.body_capacity();
    size_ = slot_file_size(capacity_) - slot_header_size;
    buffer_ = map_whole(size_, slot_header_size, read_only_);
    attach_handful();
    // The journal knows the slot by it, and a plugin of the last worker may have changed it.
    header_->identity = file.identity();
    recover();
}

Slot::~Slot() {
    ::munmap(header_, slot_header_size);
    unmap_both(buffer_, read_only_, size_);
    unmap_both(handful_memory_, handful_read_only_, handful_size_);
}

// Writable and, for handlers, not.
std::byte* Slot::map_whole(std::size_t size, std::size_t offset, const std::byte*& read_only) {
    auto* memory = static_cast<std::byte*>(map(fd_, size, offset, PROT_READ | PROT_WRITE));
    read_only = static_cast<const std::byte*>(map(fd_, size, offset, PROT_READ));
    populate(memory, size);
    // Best effort: a locked page cannot be swapped out, and a swapped one only costs time.
    ::mlock(memory, size);
    return memory;
}

// A fork shares the pages but not the page tables: every page is touched here, in the process that
// receives, or the first store of msgrcv would fault.
void Slot::populate(void* memory, std::size_t size) const {
    if (::madvise(memory, size, MADV_POPULATE_WRITE) != 0)
        throw failure("cannot populate the slot " + name_);
    // A process that a handler forks has no business in the slot.
    ::madvise(memory, size, MADV_DONTFORK);
}

// What is behind the body, if anything is, is the handful's.
void Slot::attach_handful() {
    struct stat st {};
    if (::fstat(fd_, &st) != 0) throw failure("fstat slot " + name_);
    const std::size_t begin = slot_header_size + size_;
    const auto end = static_cast<std::size_t>(st.st_size);
    handful_size_ =
        end > begin ? std::min((end - begin) / slot_page * slot_page, Handful::room) : 0;
    if (handful_size_ != 0) handful_memory_ = map_whole(handful_size_, begin, handful_read_only_);
    handful_.attach(*header_, {handful_memory_, handful_size_}, {handful_read_only_, handful_size_},
                    capacity_);
}

void Slot::make_room_for_many() {
    if (handful_.has_room()) return;
    const auto begin = static_cast<off_t>(slot_header_size + size_);
    // All of it now, as in SlotFile::make().
    if (::fallocate(fd_, 0, begin, static_cast<off_t>(Handful::room)) != 0)
        throw failure("no room for many messages in the slot " + name_);
    attach_handful();
}

// Whoever wrote the header last may have been a stray store of a plugin: what is read of it is
// brought into range first.
void Slot::recover() {
    header_->needed_body = 0;
    // The last worker's time; this one's begins with its attempt.
    header_->deadline_ns = 0;
    header_->done_count = std::min(header_->done_count, std::uint32_t{most_done});
    header_->failure_count =
        std::min(header_->failure_count, static_cast<std::uint32_t>(header_->failures.size()));
    for (SlotFailure& failed : header_->failures) {
        failed.cause_size =
            std::min(failed.cause_size, static_cast<std::uint32_t>(failed.cause.size()));
    }
    SlotAutopsy& autopsy = header_->autopsy;
    autopsy.text_size =
        std::min(autopsy.text_size, static_cast<std::uint32_t>(autopsy.text.size()));
    autopsy.log_size = std::min(autopsy.log_size, static_cast<std::uint32_t>(autopsy.log.size()));
    acknowledge_what_is_over();
    finish_settling();
    finish_moving();
    handful_.clear_if_over();  // not before that was counted
    if (!occupied()) return empty();
    if (header_->state != SlotState::busy)
        landed(landed_length({read_only_ + slot_type_size, capacity_}));
    if (header_->length < 0 || static_cast<std::size_t>(header_->length) > capacity_) {
        header_->length =
            static_cast<std::int64_t>(landed_length({read_only_ + slot_type_size, capacity_}));
    }
}

bool Slot::occupied() const {
    return type_of(buffer_) != 0;
}

std::int64_t Slot::type() const {
    return type_of(buffer_);
}

std::span<const std::byte> Slot::body() const {
    return {read_only_ + slot_type_size, static_cast<std::size_t>(header_->length)};
}

void Slot::landed(std::size_t length) {
    header_->length = static_cast<std::int64_t>(length);
    header_->attempts = 0;
    ++header_->sequence;
    store(header_->state, SlotState::busy);
}

void Slot::load(std::int64_t row, std::int64_t type, std::uint32_t attempts,
                const SlotMessageId& id, std::int64_t expires_ms, std::span<const std::byte> body,
                const SlotReply& reply) {
    std::copy(body.begin(), body.end(), buffer_ + slot_type_size);
    header_->row = row;
    header_->id = id;
    header_->expires_ms = expires_ms;
    header_->reply = reply;
    landed(body.size());
    header_->attempts = attempts;
    type_of(buffer_).store(type, std::memory_order_release);
}

void Slot::load_large(std::int64_t row, std::int64_t type, std::uint32_t attempts,
                      const SlotMessageId& id, std::int64_t expires_ms, std::uint64_t size,
                      const SlotReply& reply) {
    header_->large_size = size;
    load(row, type, attempts, id, expires_ms, {}, reply);
}

void Slot::begin_attempt(std::int64_t deadline_ns) {
    ++header_->attempts;
    store(header_->deadline_ns, deadline_ns);
}

void Slot::note_failure(std::int64_t at_ms, std::string_view cause) {
    auto& notes = header_->failures;
    if (header_->failure_count == notes.size()) {
        std::copy(notes.begin() + 1, notes.end(), notes.begin());
        --header_->failure_count;
    }
    SlotFailure& note = notes.at(header_->failure_count);
    note.attempt = header_->attempts;
    note.at_ms = at_ms;
    note.cause_size = static_cast<std::uint32_t>(cause.copy(note.cause.data(), note.cause.size()));
    store(header_->failure_count, header_->failure_count + 1);
}

std::span<const SlotFailure> Slot::failures() const {
    return {header_->failures.data(), header_->failure_count};
}

void Slot::will_become(Tally tally) {
    header_->written_sequence = header_->sequence;
    store(header_->written_as, static_cast<std::uint32_t>(tally) + 1);
}

std::optional<Tally> Slot::to_become() const {
    const std::uint32_t tally = header_->written_as;
    if (header_->written_sequence != header_->sequence || tally == 0 || tally > tally_kinds) {
        return std::nullopt;
    }
    return static_cast<Tally>(tally - 1);
}

// The count and the message change in one step as far as a successor can see: until the type is 0
// nothing has happened, from then on the count is what `settling` says.
void Slot::settle(Tally tally, std::size_t row) {
    begin_settling(tally, row, header_->row);
    type_of(buffer_).store(0, std::memory_order_release);  // the acknowledgement
    finish_settling();
    header_->deadline_ns = 0;
    // Killed in here, the slot is empty and its next worker fills it whole.
    std::memset(buffer_ + slot_type_size, static_cast<int>(filler),
                static_cast<std::size_t>(header_->length));
    header_->length = 0;
    if (header_->row != 0) header_->large_size = 0;
    header_->row = 0;
    header_->expires_ms = 0;
    header_->failure_count = 0;
    store(header_->state, SlotState::armed);
}

void Slot::begin_settling(Tally tally, std::size_t row, std::int64_t journal_row) {
    const std::size_t place = row * tally_kinds + static_cast<std::size_t>(tally);
    header_->settling_count = header_->tallies[row].counts[static_cast<std::size_t>(tally)] + 1;
    store(header_->settling_place, static_cast<std::uint32_t>(place + 1));
    const bool row_is_over = tally == Tally::handled || tally == Tally::expired;
    if (journal_row != 0 && row_is_over && header_->done_count < most_done) {
        header_->done_rows[header_->done_count] = journal_row;
        store(header_->done_count, header_->done_count + 1);
    }
}

// A row that is on the list of what is over will not be tried again: killed before it was taken out
// of the slot, it is as over as if that had happened, and counts as what it became.
void Slot::acknowledge_what_is_over() {
    if (header_->settling_place == 0) return;
    const std::uint32_t in_handful = header_->handful.settling;
    if (in_handful != 0) {
        const auto messages = handful_.messages();
        const bool is_there = in_handful <= messages.size();
        if (is_there && is_row_over(messages[in_handful - 1].head->row))
            handful_.mark_over(in_handful - 1);
    } else if (is_row_over(header_->row)) {
        type_of(buffer_).store(0, std::memory_order_release);
    }
}

void Slot::finish_settling() {
    const std::size_t place = header_->settling_place;
    const std::uint32_t in_handful = header_->handful.settling;
    const bool is_over = in_handful == 0 ? !occupied() : handful_.is_over(in_handful - 1);
    if (place != 0 && is_over && place <= header_->tallies.size() * tally_kinds) {
        TallyRow& row = header_->tallies[(place - 1) / tally_kinds];
        store(row.counts[(place - 1) % tally_kinds], header_->settling_count);
        store(header_->messages, header_->messages + 1);
    }
    store(header_->settling_place, std::uint32_t{0});
    if (in_handful != 0) store(header_->handful.settling, std::uint32_t{0});
}

void Slot::begin_batch() {
    landed(0);
    type_of(buffer_).store(1, std::memory_order_release);
}

void Slot::count_batch(std::size_t messages) {
    store(header_->batch_size, static_cast<std::uint32_t>(messages));
}

void Slot::end_batch(std::size_t used) {
    type_of(buffer_).store(0, std::memory_order_release);
    count_batch(0);
    std::memset(buffer_ + slot_type_size, static_cast<int>(filler), used);
    store(header_->messages, header_->messages + 1);
    store(header_->state, SlotState::armed);
}

void Slot::need(std::size_t body_size) {
    store(header_->needed_body, std::uint64_t{body_size});
}

std::size_t Slot::tally_row(std::int64_t type) {
    for (std::size_t i = 1; i < header_->tallies.size() && type != 0; ++i) {
        TallyRow& row = header_->tallies.at(i);
        if (row.type == 0) row.type = type;
        if (row.type == type) return i;
    }
    return 0;
}

void Slot::hold_claims(bool held) {
    store(header_->claims_held, std::uint32_t{held ? 1U : 0U});
}

std::span<const std::int64_t> Slot::done_rows() const {
    return {header_->done_rows.data(), header_->done_count};
}

bool Slot::is_row_over(std::int64_t row) const {
    const auto done = done_rows();
    return row != 0 && std::find(done.begin(), done.end(), row) != done.end();
}

void Slot::hold_segment(const HeldSegment& segment) {
    forget_segment();
    header_->segment_id = segment.id;
    header_->segment_token = segment.token;
    store(header_->segment_held, std::uint32_t{1});
}

std::optional<HeldSegment> Slot::held_segment() const {
    if (header_->segment_held == 0) return std::nullopt;
    return HeldSegment{header_->segment_id, header_->segment_token};
}

void Slot::forget_segment() {
    store(header_->segment_held, std::uint32_t{0});
}

void Slot::begin_fetch() {
    store(header_->fetches, header_->fetches + 1);
}

void Slot::forget_fetches() {
    store(header_->fetches, std::uint32_t{0});
}

void Slot::count(Tally tally, std::size_t row) {
    std::uint64_t& count = header_->tallies[row].counts[static_cast<std::size_t>(tally)];
    store(count, count + 1);
}

void Slot::empty() {
    std::memset(buffer_ + slot_type_size, static_cast<int>(filler), capacity_);
    header_->length = 0;
    header_->attempts = 0;
    header_->row = 0;
    header_->expires_ms = 0;
    header_->failure_count = 0;
    header_->large_size = 0;
    store(header_->state, SlotState::armed);
}

bool Slot::take_next() {
    const auto next = handful_.first_left();
    if (!next) {
        handful_.clear_if_over();
        return false;
    }
    const Handful::Message& message = handful_.messages()[*next];
    store(header_->handful.moving, static_cast<std::uint32_t>(*next + 1));
    header_->failure_count = 0;
    load(message.head->row, message.type, message.head->attempts, message.head->id,
         message.head->expires_ms, message.body);
    finish_moving();
    handful_.clear_if_over();
    return true;
}

// From the store of its type on the message is in the hand, and nowhere else.
void Slot::finish_moving() {
    const std::uint32_t moving = header_->handful.moving;
    if (moving != 0 && occupied()) handful_.mark_over(moving - 1);
    store(header_->handful.moving, std::uint32_t{0});
}

void Slot::settle_in_handful(std::size_t message, Tally tally, std::size_t row) {
    store(header_->handful.settling, static_cast<std::uint32_t>(message + 1));
    begin_settling(tally, row, handful_.messages()[message].head->row);
    handful_.mark_over(message);  // the acknowledgement
    finish_settling();
}

void Slot::begin_call(std::size_t messages, std::int64_t deadline_ns) {
    handful_.begin_attempt(messages - 1);
    begin_attempt(deadline_ns);
    store(header_->handful.in_call, static_cast<std::uint32_t>(messages));
}

void Slot::end_call() {
    store(header_->deadline_ns, std::int64_t{0});
    store(header_->handful.in_call, std::uint32_t{0});
}

}  // namespace myq
