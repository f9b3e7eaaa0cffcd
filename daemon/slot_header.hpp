#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

// What lies before the message in a slot file. Shared memory that outlives its writers: plain
// members, written by one worker; whoever else looks meanwhile copies them and believes nothing.
namespace myq {

using SlotMessageId = std::array<std::byte, 16>;

enum class SlotState : std::uint32_t { armed = 0, busy = 1 };

// What can become of a message in a slot.
enum class Tally : std::uint32_t {
    handled,
    retried,    // not handled: put off, in the journal
    died,       // not handled: dead, in the journal
    expired,    // its time was over before it was handled
    journaled,  // moved into the journal, since its sender asked for that
    refused,    // not taken: its envelope asks for what cannot be
};
constexpr std::size_t tally_kinds = 6;

// Messages of one type by what became of them, since the slot was made.
struct TallyRow {
    std::int64_t type = 0;  // 0: every type without a row of its own
    std::array<std::uint64_t, tally_kinds> counts{};

    std::uint64_t of(Tally tally) const { return counts.at(static_cast<std::size_t>(tally)); }
};

struct SlotFailure {
    std::uint32_t attempt = 0;
    std::uint32_t cause_size = 0;
    std::int64_t at_ms = 0;  // since the epoch
    std::array<char, 112> cause{};
};

// Who waits for what becomes of a message of the journal; one of the kernel queue says so itself.
struct SlotReply {
    std::int32_t queue_id = 0;
    std::int64_t token = 0;  // 0: nobody
    std::uint64_t sequence = 0;
};

// What is known of a message that killed its worker, by the worker itself: see LastWords.
struct SlotAutopsy {
    std::uint64_t crash_sequence = 0;  // of the message that crashed, 0: none did
    std::uint64_t address = 0;
    std::int32_t signal = 0;
    std::int32_t code = 0;
    std::uint32_t text_size = 0;
    std::uint32_t log_size = 0;
    std::uint64_t log_sequence = 0;  // of the message that `log` is about
    std::array<char, 1280> text{};   // what was called, and where it was
    std::array<char, 896> log{};     // the handler's last lines
};

// What a worker that cannot write the journal (see sandbox.hpp) leaves its successor to write
// there.
struct SlotVerdict {
    enum class Kind : std::uint32_t { none, retried, dead, rejected };
    std::uint64_t sequence = 0;  // of the message
    std::int64_t due_ms = 0;     // of the next attempt
    Kind kind = Kind::none;
    std::uint32_t has_autopsy = 0;  // it ended its worker
    std::uint32_t reason_size = 0;
    std::array<char, 512> reason{};
};

// See Handful, and Slot::take_next(). A record is named by its place, plus one; 0 is none.
struct SlotHandful {
    std::uint32_t open;      // there may be messages in it
    std::uint32_t moving;    // the record that goes into the hand
    std::uint32_t settling;  // the record that settling_place is about; none: the one in the hand
    std::uint32_t in_call;   // so many messages, the one in the hand first, are with the handler
};

struct SlotHeader {
    std::uint64_t magic;
    std::uint64_t identity;
    std::uint64_t body_capacity;

    // The message in the slot.
    SlotState state;
    std::uint32_t attempts;  // how often a handler was given this message
    std::int64_t length;     // of the body while busy
    std::uint64_t sequence;
    std::int64_t row;
    std::int64_t expires_ms;
    SlotMessageId id;

    // For the supervisor.
    std::int64_t deadline_ns;
    std::uint64_t messages;
    std::uint64_t needed_body;

    // A settling under way: the count that will be, and where, plus one; see Slot::settle().
    std::uint64_t settling_count;
    std::uint32_t settling_place;

    std::uint32_t claims_held;
    std::uint32_t done_count;
    std::uint32_t failure_count;
    std::uint32_t batch_size;  // messages in an intake's slot; in a worker's handful
    std::array<std::int64_t, 64> done_rows;
    std::array<SlotFailure, 8> failures;
    std::array<TallyRow, 64> tallies;

    // Zero in a slot that an older daemon made.

    // The message with this number is, or will be in a moment, in the journal as this, plus one.
    std::uint64_t written_sequence;
    std::uint32_t written_as;

    SlotReply reply;  // of the message in the slot
    SlotAutopsy autopsy;

    // See Slot::hold_segment() and load_large().
    std::uint64_t large_size;
    std::uint32_t segment_held;
    std::int32_t segment_id;
    std::array<std::byte, 16> segment_token;

    SlotHandful handful;
    std::uint32_t fetches;  // see Slot::fetches()
    SlotVerdict verdict;
};

constexpr std::size_t slot_header_size = 8192;
static_assert(sizeof(SlotHeader) <= slot_header_size);
static_assert(std::is_trivially_copyable_v<SlotHeader>);

// The header, the type and the body, in whole pages.
constexpr std::size_t slot_page = 4096;
constexpr std::size_t slot_type_size = sizeof(std::int64_t);
constexpr std::size_t slot_file_size(std::size_t body_capacity) {
    return slot_header_size +
           (slot_type_size + body_capacity + slot_page - 1) / slot_page * slot_page;
}

}  // namespace myq
