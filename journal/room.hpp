#pragma once

#include "journal/journal.hpp"

#include <cstdint>
#include <string>

// When the journal takes no new messages: long before nothing can be written any more, because what
// ends a message writes too.
namespace myq {

// All in bytes.
struct Room {
    std::uint64_t used = 0;       // pages of the file that hold something
    std::uint64_t unused = 0;     // pages of it that were given back, and are used before it grows
    std::uint64_t log = 0;        // of the write-ahead log
    std::uint64_t usual_log = 0;  // what that may have without being counted as used
    std::uint64_t disk = 0;       // free on the disk
    std::uint64_t coming = 0;     // what is to be written, as far as that is known
};

// "" if a new message may come, else a sentence without the name of the file.
std::string why_no_room(const Room& room, const JournalLimits& limits);

}  // namespace myq
