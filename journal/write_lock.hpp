#pragma once

#include "journal/private_file.hpp"

#include <cstdint>
#include <filesystem>

// Who may write the journal. Writers wait for each other inside the kernel and wake up at once;
// SQLite's own way is to sleep and look again.
//
// Whoever comes back at once must not overtake who waits: the kernel wakes that one up, and until
// it runs the lock is free for anybody who runs already. So there are two, the door and the room,
// and who waits for the room stands in the door.
//
// POSIX locks: the kernel drops them when their process dies. They are the process's, not the
// object's, so two of these on one file in one process do not keep each other out (SQLite still
// does, by waiting and looking again), and the one that is destroyed first drops the other's locks:
// slower, never wrong.
namespace myq {

class WriteLock {
public:
    explicit WriteLock(std::filesystem::path file);

    // For as long as it lives. Signals do not end the wait. Throws JournalError.
    class Held {
    public:
        explicit Held(const WriteLock& of);
        ~Held();
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;

    private:
        const WriteLock& lock_;
    };

    // Bytes that an ordinary user may still write on the disk that it is on. Throws JournalError.
    std::uint64_t free_on_disk() const;

private:
    PrivateFile file_;
};

}  // namespace myq
