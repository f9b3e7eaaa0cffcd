#pragma once

#include "journal/private_file.hpp"

#include <chrono>
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
    // As long as SQLite waits for its own. Something that a handler left behind may hold the lock
    // for ever; who waits gives up then, says who it is, and may come again.
    static constexpr std::chrono::milliseconds usual_patience{10'000};

    explicit WriteLock(std::filesystem::path file,
                       std::chrono::milliseconds patience = usual_patience);

    // For as long as it lives. Signals do not end the wait. Throws JournalError, with the holder's
    // name when `patience` has run out.
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
    std::chrono::milliseconds patience_;
};

}  // namespace myq
