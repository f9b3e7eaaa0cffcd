#pragma once

#include "daemon/slot_header.hpp"
#include "daemon/unix/owned.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

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
// The file is a header (SlotHeader) and then exactly a struct msgbuf: eight bytes of type, then the
// body. Behind that may be room for a Handful.
//   empty      type 0
//   landed     type set, state armed: killed before msgrcv returned, length unknown
//   busy       type set, state busy: in a handler's hands
// The store that makes the type 0 is the acknowledgement.
//
// The length of a landed message: an envelope names its own; else the body is kept filled with
// 0xFF, so it ends at the last byte that is something else. Text, JSON and PHP's serialize() never
// end in 0xFF; a raw body that does loses those bytes, in this case only.

// What the supervisor may see of a slot. Written by a worker, who may be anybody's plugin: plain
// integers, copied once, never an index and never a pointer.
struct SlotView {
    bool broken = false;  // somebody cut the file: there is nothing to be had of it
    // A message is in it, or rows of the journal are claimed for it, or one is yet to be counted.
    bool occupied = false;
    std::uint64_t messages = 0;     // settled since the slot was made
    std::int64_t deadline_ns = 0;   // CLOCK_MONOTONIC when the handler's time is up, 0: never
    std::uint64_t needed_body = 0;  // a body of at least this size waits that did not fit, 0: none
    std::int64_t type = 0;          // of the message in it, 0: none
    std::uint32_t attempts = 0;
};

// The file, as the supervisor holds it. Its worker holds a POSIX write lock on it. What a handler
// left behind may hold one too, when the worker is gone: then a copy takes the file's place. Read
// by pread(2) only, never mapped: a mapping of a file that a plugin has cut short would end the
// supervisor.
class SlotFile {
public:
    // Makes or opens `directory`/`name` for bodies of `body_capacity` bytes. A file that is not a
    // slot, or an empty one of another size, is made anew (an empty one keeps its tallies); one
    // that holds a message is kept as it is, whatever its size. No worker of ours has it, and a
    // stranger's lock is evaded. Throws std::system_error.
    SlotFile(const std::filesystem::path& directory, const std::string& name,
             std::size_t body_capacity);

    // The same without a file, where no tmpfs is: it outlives the worker but not the supervisor.
    explicit SlotFile(std::size_t body_capacity);

    const std::string& name() const { return name_; }
    const Fd& fd() const { return fd_; }
    std::size_t body_capacity() const { return body_capacity_; }
    std::uint64_t identity() const { return identity_; }  // random, made with the file
    SlotView view() const;
    std::vector<TallyRow> tallies() const;

    // While it has no worker: if a stranger has the lock, goes on with a copy of the file under its
    // name, identity and all, and says so in the log. What the stranger has is nobody's any more.
    // Throws std::system_error.
    void evade_stranger();

    // The name of a copy that was not finished.
    static bool is_unfinished(const std::string& name) { return name.starts_with('~'); }

private:
    Fd copy() const;
    void adopt_or_make(std::size_t body_capacity);
    void make(std::size_t body_capacity, const std::vector<TallyRow>& tallies);

    std::filesystem::path directory_;  // empty: it has no file
    std::string name_;
    Fd fd_;
    std::size_t body_capacity_ = 0;
    std::uint64_t identity_ = 0;
};

// A slot file as anybody may look at it who can read it.
struct SlotSnapshot {
    std::uint64_t identity = 0;  // 0: it is no slot
    std::int64_t type = 0;
    std::int64_t row = 0;
    std::uint32_t batch_size = 0;
    std::vector<TallyRow> tallies;
};
SlotSnapshot look_at_slot(const Fd& file);

}  // namespace myq
