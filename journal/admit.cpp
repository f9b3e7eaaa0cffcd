#include "journal/journal_impl.hpp"
#include "journal/schema.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>

// Whether a new message may come.
namespace myq {

namespace {

// A log is emptied when it has most_pages_in_wal; the transaction that took it there may have been
// a long one.
constexpr std::uint64_t usual_log = std::uint64_t{2} * most_pages_in_wal * page_size;

// Rows that are counted one by one; a queue with more counts as if it had the whole journal.
constexpr std::int64_t most_counted = 100'000;
// To count takes at most this part of the time.
constexpr int share_of_time = 20;

std::uint64_t log_size(const std::filesystem::path& file) {
    struct stat status {};
    if (::stat((file.string() + "-wal").c_str(), &status) != 0) return 0;
    return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t pages(Statement& statement) {
    auto rows = statement.rows();
    return rows.next() ? static_cast<std::uint64_t>(rows.integer(0)) : 0;
}

}  // namespace

void Journal::Impl::shorten_log() {
    // A long read may have kept it from being emptied, and the next write would do that; but there
    // is none while everybody waits for room.
    if (!is_log_long) return;
    is_log_long = false;
    database->checkpoint(true);
}

Room Journal::Impl::measure() {
    Room now;
    now.unused = pages(sql.unused_pages) * page_size;
    now.used = pages(sql.page_count) * page_size - now.unused;
    now.log = log_size(file);
    now.usual_log = usual_log;
    now.disk = lock.free_on_disk();
    is_log_long = now.log > usual_log;
    return now;
}

Held Journal::Impl::count(std::int64_t queue, RowFor purpose, std::uint64_t used) {
    const bool is_work = purpose == RowFor::work;
    const std::int64_t since = is_work ? 0 : 1;
    std::optional<std::int64_t> failed;
    if (!is_work) failed = purpose == RowFor::keeps ? 1 : 0;
    Held held;
    const auto add = [&](Statement::Rows rows) {
        if (!rows.next()) return;
        held.bytes += static_cast<std::uint64_t>(rows.integer(1));
        if (rows.integer(0) == most_counted) held.is_exact = false;
    };
    add(sql.waiting_bytes.with(queue, since, failed, most_counted, row_overhead));
    if (purpose != RowFor::later) add(sql.dead_bytes.with(queue, most_counted, row_overhead));
    if (!held.is_exact) held.bytes = used;
    return held;
}

// A count is good for as long as it took, many times over; until then nobody can have added more
// than the whole journal has grown.
Held Journal::Impl::held(std::int64_t queue, RowFor purpose, std::uint64_t used) {
    using Clock = std::chrono::steady_clock;
    Counted& known = counted[{queue, purpose}];
    const Clock::time_point begin = Clock::now();
    if (begin >= known.good_until) {
        const Held now = count(queue, purpose, used);
        const Clock::time_point end = Clock::now();
        known = {now.bytes, now.is_exact, used, end + share_of_time * (end - begin)};
    }
    Held held;
    held.purpose = purpose;
    held.bytes = known.bytes;
    if (used > known.used) held.bytes += used - known.used;
    held.bytes = std::min(held.bytes, used);
    held.is_exact = known.is_exact && used <= known.used;
    return held;
}

void Journal::admit(std::int64_t queue, RowFor purpose, std::uint64_t bytes) {
    Impl& journal = *impl_;
    journal.require_transaction("admit");
    if (!journal.room) journal.room = journal.measure();
    Room room = *journal.room;
    room.coming = bytes + std::uint64_t{row_overhead};
    // First as if this queue had all of it: mostly there is room even so.
    Held most;
    most.purpose = purpose;
    most.bytes = room.used;
    most.is_exact = false;
    if (!why_no_room(room, journal.limits, most).empty()) {
        Held held = journal.held(queue, purpose, room.used);
        auto name = journal.sql.queue_name.with(queue);
        if (name.next()) held.queue = name.text(0);
        const std::string reason = why_no_room(room, journal.limits, held);
        if (!reason.empty()) {
            throw JournalError(JournalError::Kind::full,
                               fmt::format("{}: {}", journal.file.string(), reason));
        }
    }
    journal.room->used += room.coming;
    journal.room->unused -= std::min(journal.room->unused, room.coming);
}

}  // namespace myq
