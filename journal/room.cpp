#include "journal/room.hpp"

#include <fmt/format.h>

namespace myq {

namespace {

// What a transaction and its log need before the next look.
constexpr std::uint64_t headroom = std::uint64_t{1} << 20U;

std::string size_text(std::uint64_t bytes) {
    if (bytes >= std::uint64_t{10} << 30U) return fmt::format("{} GiB", bytes >> 30U);
    if (bytes >= std::uint64_t{1} << 20U) return fmt::format("{} MiB", bytes >> 20U);
    return fmt::format("{} KiB", bytes >> 10U);
}

}  // namespace

std::string why_no_room(const Room& room, const JournalLimits& limits) {
    // A log that somebody's long reading keeps from being emptied is a part of the file.
    const std::uint64_t log = room.log > room.usual_log ? room.log - room.usual_log : 0;
    if (room.used + log >= limits.max_size || limits.max_size - room.used - log < room.coming) {
        const std::string more =
            room.coming < headroom ? "" : fmt::format(", {} are to come", size_text(room.coming));
        return fmt::format(
            "it holds {}{}, and journal.max_size is {}: let the workers catch up, drop "
            "what is dead, or raise max_size",
            size_text(room.used + log), more, size_text(limits.max_size));
    }
    // It goes through the log.
    if (room.disk < headroom + 2 * room.coming) {
        return fmt::format("the disk has only {} left: free space on it", size_text(room.disk));
    }
    // What fits into unused pages takes nothing from the disk. Without that, a file that had filled
    // its disk and is empty again would refuse for ever.
    if (room.disk + room.unused < limits.min_free + headroom + room.coming) {
        return fmt::format("the disk has only {} left and journal.min_free keeps {}: free space on "
                           "it, or lower min_free",
                           size_text(room.disk), size_text(limits.min_free));
    }
    return {};
}

}  // namespace myq
