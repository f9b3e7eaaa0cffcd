#pragma once

#include "journal/private_file.hpp"

#include <cstdint>
#include <filesystem>

// Who may write the journal. Writers wait for each other inside the kernel and wake up at once;
// SQLite's own way is to sleep and look again.
//
// A POSIX lock: the kernel drops it when its process dies. It is the process's, not the object's,
// so two of these on one file in one process do not keep each other out (SQLite still does, by
// waiting and looking again), and the one that is destroyed first drops the other's lock: slower,
// never wrong.
namespace myq {

class WriteLock {
public:
    explicit WriteLock(std::filesystem::path file);

    // For as long as it lives. Signals do not end the wait. Throws JournalError.
    class Held {
    public:
        explicit Held(const WriteLock& lock);
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
