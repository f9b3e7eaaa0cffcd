#pragma once

#include "journal/journal.hpp"

#include <cstdint>
#include <string>
#include <string_view>

// When the journal takes no new messages: long before nothing can be written any more, because what
// ends a message writes too, and before one queue has taken it all, because others have senders
// too.
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

// What a row takes besides its body, in its page and in the indexes.
constexpr std::int64_t row_overhead = 256;

// What one queue has in the journal, of what counts for a new row of that purpose: all of it for
// work, what its senders have put off for later, what failed or is dead for what the journal keeps.
struct Held {
    std::string_view queue;
    RowFor purpose = RowFor::work;
    std::uint64_t bytes = 0;
    bool is_exact = true;  // else it is the most that it can be
};

// "" if a new message may come, else a sentence without the name of the file.
//
// What a queue may have is measured by what is left, so that there is always a part for whoever
// comes next: twice of it for what senders put off, four times of it for the rest. A queue alone
// gets two thirds and four fifths; one that has next to nothing always finds room, as long as the
// disk has.
std::string why_no_room(const Room& room, const JournalLimits& limits, const Held& held);

}  // namespace myq
