#include "journal/room.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace myq {

namespace {

// What a transaction and its log need before the next look.
constexpr std::uint64_t headroom = std::uint64_t{1} << 20U;

// The part of max_size that no queue is refused.
constexpr std::uint64_t next_to_nothing = 64;

std::string size_text(std::uint64_t bytes) {
    if (bytes >= std::uint64_t{10} << 30U) return fmt::format("{} GiB", bytes >> 30U);
    if (bytes >= std::uint64_t{1} << 20U) return fmt::format("{} MiB", bytes >> 20U);
    return fmt::format("{} KiB", bytes >> 10U);
}

std::string to_come(const Room& room) {
    return room.coming < headroom ? "" : fmt::format(", {} are to come", size_text(room.coming));
}

std::uint64_t less(std::uint64_t all, std::uint64_t part) {
    return all > part ? all - part : 0;
}

// A log that somebody's long reading keeps from being emptied is a part of the file.
std::uint64_t in_file(const Room& room) {
    return room.used + less(room.log, room.usual_log);
}

std::string why_no_disk(const Room& room, const JournalLimits& limits) {
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

const char* kind_of(RowFor purpose) {
    switch (purpose) {
    case RowFor::work:
        return "";
    case RowFor::later:
        return ", put off by senders";
    case RowFor::keeps:
        return ", failed or dead";
    }
    return "";
}

const char* remedy_of(RowFor purpose) {
    switch (purpose) {
    case RowFor::work:
        return "let the workers catch up, drop what is dead";
    case RowFor::later:
        return "drop some (myq drop)";
    case RowFor::keeps:
        return "drop some (myq dead drop)";
    }
    return "";
}

// Too much for one queue, though there is room.
std::string why_too_much(const Room& room, const JournalLimits& limits, const Held& held) {
    const std::uint64_t of_file = less(limits.max_size, in_file(room));
    const std::uint64_t of_disk = less(room.disk + room.unused, limits.min_free + headroom);
    const std::uint64_t left = std::min(of_file, of_disk);
    const std::uint64_t times = held.purpose == RowFor::later ? 2 : 4;
    if (held.bytes + room.coming <= times * less(left, room.coming)) return {};
    return fmt::format(
        "queue {} has {}{} in it{}{}, and that must stay less than {} times the {} that are left, "
        "so that other queues find room: {}, or {}",
        held.queue, held.is_exact ? "" : "up to ", size_text(held.bytes), kind_of(held.purpose),
        to_come(room), times, size_text(left), remedy_of(held.purpose),
        of_disk < of_file ? "free space on the disk" : "raise journal.max_size");
}

}  // namespace

std::string why_no_room(const Room& room, const JournalLimits& limits, const Held& held) {
    const std::uint64_t used = in_file(room);
    const bool is_little = held.bytes + room.coming <= limits.max_size / next_to_nothing;
    if (!is_little && less(limits.max_size, used) <= room.coming) {
        return fmt::format(
            "it holds {}{}, and journal.max_size is {}: let the workers catch up, drop "
            "what is dead, or raise max_size",
            size_text(used), to_come(room), size_text(limits.max_size));
    }
    std::string reason = why_no_disk(room, limits);
    if (!reason.empty() || is_little) return reason;
    return why_too_much(room, limits, held);
}

}  // namespace myq
