#pragma once

#include "daemon/unix/owned.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace myq {

// A worker's buffer for the message in flight: a file on a tmpfs, so that the message outlives the
// worker, and every other process of ours.
//
// msgrcv() unlinks a message from the queue before it copies it. Received into private memory, it
// is gone when the process dies; received into a slot, the kernel finishes the copy and the next
// worker on this slot finds it. That holds only if a store into the slot can never fault (a fault
// in msgrcv loses the message), so the file is allocated whole and its pages are populated before
// use; a file on a disk will not do, since write-back protects its pages again and again.
//
// The file is one header page and then exactly a struct msgbuf: eight bytes of type, then the body.
//   empty      type 0
//   landed     type set, state armed: killed before msgrcv returned, length unknown
//   busy       type set, state busy: in a handler's hands
// The store that makes the type 0 is the acknowledgement.
//
// The length of a landed message: the body is kept filled with 0xFF, so it ends at the last byte
// that is something else. Text, JSON and PHP's serialize() never end in 0xFF; a raw body that does
// loses those bytes, in this case only.
enum class SlotState : std::uint32_t { armed = 0, busy = 1 };

// What the supervisor may see of a slot. Written by a worker, who may be anybody's plugin: plain
// integers, copied once, never an index and never a pointer.
struct SlotView {
    bool occupied = false;          // a message is in it
    std::uint64_t messages = 0;     // outcomes settled since the slot was made
    std::int64_t deadline_ns = 0;   // CLOCK_MONOTONIC when the handler's time is up, 0: never
    std::uint64_t needed_body = 0;  // a body of at least this size waits that did not fit, 0: none
};

// The totals of outcomes, kept in the slot since it outlives its workers.
struct SlotCounts {
    std::uint64_t done = 0, retry = 0, reject = 0, dead = 0;
};

// The header page. Its members change only between the worker's own instructions; the atomics are
// for what the supervisor reads meanwhile.
struct SlotHeader {
    std::uint64_t magic;
    std::uint64_t body_capacity;
    std::atomic<SlotState> state;
    std::uint32_t attempts;  // how often a handler was given this message
    std::int64_t length;     // of the body while busy
    std::atomic<std::int64_t> deadline_ns;
    std::atomic<std::uint64_t> messages;
    std::atomic<std::uint64_t> needed_body;
    std::atomic<std::uint64_t> done, retry, reject, dead;
};

// The file, as the supervisor holds it. Its worker holds a POSIX write lock on it.
class SlotFile {
public:
    // Makes or opens `directory`/`name` for bodies of `body_capacity` bytes. A file that is not a
    // slot, or an empty one of another size, is made anew; one that holds a message is kept as it
    // is, whatever its size. Throws std::system_error.
    SlotFile(const std::filesystem::path& directory, const std::string& name,
             std::size_t body_capacity);

    // The same without a file, where no tmpfs is: it outlives the worker but not the supervisor.
    explicit SlotFile(std::size_t body_capacity);

    ~SlotFile();
    SlotFile(const SlotFile&) = delete;
    SlotFile& operator=(const SlotFile&) = delete;

    const std::string& name() const { return name_; }
    const Fd& fd() const { return fd_; }
    std::size_t body_capacity() const { return body_capacity_; }
    SlotView view() const;
    SlotCounts counts() const;

private:
    void map_header(std::size_t body_capacity);

    std::string name_;
    Fd fd_;
    std::size_t body_capacity_ = 0;
    SlotHeader* header_ = nullptr;
};

// The slot, as its worker holds it: from claim() until the process ends.
class Slot {
public:
    // Locks the slot, maps and populates it; waits for nobody. Throws std::system_error, and
    // std::runtime_error when another process has it.
    explicit Slot(const SlotFile& file);
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    // What the last worker left behind; call once, before anything is received.
    bool occupied() const;

    void* buffer() { return buffer_; }  // struct msgbuf for msgrcv(2)
    std::size_t body_capacity() const { return capacity_; }

    // The message in the slot, through the read-only mapping that handlers see.
    std::int64_t type() const;
    std::span<const std::byte> body() const;
    std::uint32_t attempts() const { return header_->attempts; }

    // A message of `length` bytes was just received: it is busy, with no attempt yet.
    void landed(std::size_t length);
    // One more attempt begins. `deadline_ns` as in SlotView.
    void begin_attempt(std::int64_t deadline_ns);
    // The message is over: `outcome` counts, the slot is empty and armed for the next.
    void settle(std::atomic<std::uint64_t> SlotHeader::*outcome);
    // A message waits that is longer than the slot.
    void need(std::size_t body_size) { header_->needed_body = body_size; }

private:
    void empty();
    std::size_t find_length() const;

    SlotHeader* header_;
    std::byte* buffer_ = nullptr;           // type and body, writable
    const std::byte* read_only_ = nullptr;  // the same pages for handlers
    std::size_t size_;
    std::size_t capacity_;
};

}  // namespace myq
