#pragma once

#include "daemon/handful.hpp"
#include "daemon/slot_file.hpp"
#include "daemon/slot_header.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace myq {

struct HeldSegment {
    std::int32_t id = -1;
    std::array<std::byte, 16> token{};
};

// The slot, as its worker holds it: from the lock until the process ends.
class Slot {
public:
    // Locks the slot, maps and populates it; waits for nobody. Throws std::system_error, and
    // std::runtime_error when another process has it. `file` must outlive the object.
    explicit Slot(const SlotFile& file);
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    // What the last worker left behind; ask once, before anything is received.
    bool occupied() const;

    void* buffer() { return buffer_; }  // struct msgbuf for msgrcv(2)
    std::size_t body_capacity() const { return capacity_; }
    std::uint64_t identity() const { return header_->identity; }
    // Of the message in the slot; only grows. With identity(), it names the message for ever.
    std::uint64_t sequence() const { return header_->sequence; }

    // The message in the slot, through the read-only mapping that handlers see.
    std::int64_t type() const;
    std::span<const std::byte> body() const;
    std::uint32_t attempts() const { return header_->attempts; }
    std::int64_t row() const { return header_->row; }  // in the journal; 0: from the kernel queue
    SlotMessageId id() const { return header_->id; }
    std::int64_t expires_ms() const { return header_->expires_ms; }  // 0: never
    const SlotReply& reply() const { return header_->reply; }        // where row() is not 0
    // The length of a body that is in the message's row and not in the slot; 0: it is in the slot.
    std::uint64_t large_size() const { return header_->large_size; }

    // A message of `length` bytes was just received: it is busy, with no attempt yet.
    void landed(std::size_t length);
    // Puts a message of the journal into the empty slot; the body must fit.
    void load(std::int64_t row, std::int64_t type, std::uint32_t attempts, const SlotMessageId& id,
              std::int64_t expires_ms, std::span<const std::byte> body,
              const SlotReply& reply = {});
    // The same for a body of `size` bytes that stays in its row: body() is empty.
    void load_large(std::int64_t row, std::int64_t type, std::uint32_t attempts,
                    const SlotMessageId& id, std::int64_t expires_ms, std::uint64_t size,
                    const SlotReply& reply = {});
    // One more attempt begins. `deadline_ns` as in SlotView.
    void begin_attempt(std::int64_t deadline_ns);
    // The attempt begun last has failed, and the next follows at once, in this slot.
    void note_failure(std::int64_t at_ms, std::string_view cause);
    std::span<const SlotFailure> failures() const;  // oldest first, the newest few
    // For a successor, who may write the journal; nullopt if there is none of the message in the
    // slot.
    void leave_verdict(SlotVerdict::Kind kind, std::int64_t due_ms, bool has_autopsy,
                       std::string_view reason);
    std::optional<SlotVerdict> verdict() const;
    // It is about to be written to the journal, and then counts as `tally`: for a successor, who
    // finds it here with the write done.
    void will_become(Tally tally);
    std::optional<Tally> to_become() const;
    // The message is over: it counts in `row` (of tally_row()), the slot is empty and armed for the
    // next. Exact even if the worker is killed in here: it counts once, and only if it is over.
    void settle(Tally tally, std::size_t row = 0);

    // For handlers that take many messages in one call: those behind the one in hand. Throws
    // std::system_error where there is no room.
    void make_room_for_many();
    Handful& handful() { return handful_; }
    const Handful& handful() const { return handful_; }
    // Puts the first that is left into the empty hand, as it is. False if none is left.
    bool take_next();
    // As settle(), for one of the handful.
    void settle_in_handful(std::size_t message, Tally tally, std::size_t row);
    // One call begins with `messages`, that in hand and the first of the handful: one more attempt
    // of each. What in_call() says afterwards is for a successor: with how many messages the
    // last worker ended.
    void begin_call(std::size_t messages, std::int64_t deadline_ns);
    void end_call();
    std::size_t in_call() const { return header_->handful.in_call; }

    // For an intake, whose slot holds many messages; see Batch. From begin to end the slot counts
    // as occupied; `used` bytes of the body were written meanwhile.
    void begin_batch();
    void count_batch(std::size_t messages);
    void end_batch(std::size_t used);

    // A message waits that is longer than the slot.
    void need(std::size_t body_size);

    // The row of the tallies for messages of this type; 0 stands for every type without one.
    std::size_t tally_row(std::int64_t type);

    // Rows of the journal that are claimed for this slot and over, so that a killed worker's
    // successor knows what is left to do. At most most_done.
    static constexpr std::size_t most_done = std::tuple_size_v<decltype(SlotHeader::done_rows)>;
    void hold_claims(bool held);
    bool holds_claims() const { return header_->claims_held != 0; }
    std::span<const std::int64_t> done_rows() const;
    bool is_row_over(std::int64_t row) const;
    bool has_rows() const { return row() != 0 || holds_claims() || handful_.holds_rows(); }
    // What the slot says of other rows than these is not believed: a plugin may have written it.
    void believe_rows(std::span<const std::int64_t> rows);
    void forget_done_rows() { header_->done_count = 0; }

    // For the last words of its worker, and for its successor to read.
    SlotAutopsy& autopsy() { return header_->autopsy; }
    const SlotHeader& header() const { return *header_; }
    // The shared memory that the message's body lies in. It goes when the message is over: whoever
    // finds it held by an empty slot was left to do that.
    void hold_segment(const HeldSegment& segment);
    std::optional<HeldSegment> held_segment() const;
    void forget_segment();

    // How often a worker began to get the message's large body and was killed over it; for a
    // successor, who must not do it for ever.
    std::uint32_t fetches() const { return header_->fetches; }
    void begin_fetch();
    void forget_fetches();

    // Counts what was no single message in this slot.
    void count(Tally tally, std::size_t row);

    // Where the deadline is, for whoever prolongs it from within a handler.
    std::int64_t* deadline() { return &header_->deadline_ns; }

private:
    std::byte* map_whole(std::size_t size, std::size_t offset, const std::byte*& read_only);
    void populate(void* memory, std::size_t size) const;
    void attach_handful();
    void recover();
    void begin_settling(Tally tally, std::size_t row, std::int64_t journal_row);
    void acknowledge_what_is_over();
    void finish_settling();
    void finish_moving();
    void empty();

    std::string name_;
    int fd_;  // the SlotFile's
    SlotHeader* header_;
    std::byte* buffer_ = nullptr;           // type and body, writable
    const std::byte* read_only_ = nullptr;  // the same pages for handlers
    std::size_t size_;
    std::size_t capacity_;
    std::byte* handful_memory_ = nullptr;
    const std::byte* handful_read_only_ = nullptr;
    std::size_t handful_size_ = 0;
    Handful handful_;
};

}  // namespace myq
