#include "journal/journal_impl.hpp"
#include "journal/schema.hpp"
#include "journal/walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

// What people see of the journal.
namespace myq {

namespace {

// What is read before it is shown.
constexpr std::size_t page_rows = 256;
constexpr std::size_t page_bytes = std::size_t{1} << 20U;

constexpr const char* entry_columns =
    "(SELECT name FROM queue WHERE queue.id = message.queue), type, state, uid, accepted, due,"
    " expires, unique_key, attempts, died, reason, body";

JournalState state_of(std::int64_t state, std::int64_t due_ms, std::int64_t now_ms) {
    switch (static_cast<RowState>(state)) {
    case RowState::running:
        return JournalState::running;
    case RowState::dead:
        return JournalState::dead;
    case RowState::waiting:
        break;
    }
    return due_ms <= now_ms ? JournalState::ready : JournalState::delayed;
}

// Columns as in Walk::sql().
JournalEntry entry_of(const Statement::Rows& row, std::int64_t now_ms) {
    JournalEntry entry;
    entry.row = row.integer(1);
    entry.queue = row.text(2);
    entry.type = row.integer(3);
    entry.accepted_ms = row.integer(6);
    entry.due_ms = row.integer(7);
    entry.state = state_of(row.integer(4), entry.due_ms, now_ms);
    const auto id = row.blob(5);
    std::copy_n(id.begin(), std::min(id.size(), entry.id.bytes.size()), entry.id.bytes.begin());
    entry.expires_ms = row.maybe_integer(8);
    const auto key = row.blob(9);
    entry.unique_key.resize(key.size());
    std::ranges::copy(key, std::as_writable_bytes(std::span(entry.unique_key)).begin());
    entry.attempts = static_cast<std::uint32_t>(row.integer(10));
    entry.died_ms = row.maybe_integer(11);
    entry.reason = row.text(12);
    const auto body = row.blob(13);
    entry.body.assign(body.begin(), body.end());
    return entry;
}

std::vector<JournalEntry> next_page(Walk& walk, Statement& statement, const JournalFilter& filter,
                                    std::int64_t now_ms, std::size_t limit) {
    std::vector<JournalEntry> page;
    std::size_t bytes = 0;
    auto rows = walk.rows(statement, filter, now_ms, limit);
    while (bytes < page_bytes && rows.next()) {
        page.push_back(entry_of(rows, now_ms));
        bytes += page.back().body.size();
        walk.position = {rows.integer(0), rows.integer(1)};
    }
    return page;
}

// Several reads that see the same moment.
class Snapshot {
public:
    explicit Snapshot(Database& database) : database_(database) { database_.run("BEGIN"); }
    ~Snapshot() { database_.rollback(); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;

private:
    Database& database_;
};

bool has_any(const JournalCounts& counts) {
    return counts.ready + counts.delayed + counts.running + counts.dead + counts.dropped != 0;
}

void take_off(JournalCounts& sum, const JournalCounts& part) {
    sum.ready -= part.ready;
    sum.delayed -= part.delayed;
    sum.dead -= part.dead;
    sum.dropped -= part.dropped;
}

// The counts of one queue, by type; if types are wanted, those of all others together as type 0.
class QueueCounts {
public:
    QueueCounts(Database& database, std::int64_t queue, const std::set<std::int64_t>* wanted)
        : database_(database),
          queue_(queue) {
        if (wanted == nullptr) {
            read_kept("type > ?2", 0);
            return;
        }
        read_kept("type = ?2", 0);
        for (const std::int64_t type : *wanted) {
            if (type == 0) continue;
            read_kept("type = ?2", type);
            take_off(counts_[0], counts_[type]);
        }
    }

    // Who has claimed them is not kept: there are few, and a claim writes nothing more for it.
    void look_for_running() {
        Statement running(database_, "SELECT type, due FROM message INDEXED BY running"
                                     " WHERE state = 1 AND queue = ?1");
        for (auto rows = running.with(queue_); rows.next();) {
            JournalCounts& counts = of(rows.integer(0));
            --(rows.integer(1) == 0 ? counts.ready : counts.delayed);
            ++counts.running;
        }
    }

    void look_for_due(std::int64_t now_ms) {
        Statement due(database_, "SELECT type FROM message INDEXED BY waiting WHERE state = 0"
                                 " AND queue = ?1 AND due > 0 AND due <= ?2 ORDER BY due LIMIT ?3");
        for (auto rows = due.with(queue_, now_ms, most_due_counted); rows.next();) {
            JournalCounts& counts = of(rows.integer(0));
            --counts.delayed;
            ++counts.ready;
        }
    }

    const std::map<std::int64_t, JournalCounts>& by_type() const { return counts_; }

private:
    void read_kept(const char* which, std::int64_t type) {
        Statement kept(database_,
                       fmt::format("SELECT type, at_once, timed, dead, dropped FROM count"
                                   " WHERE queue = ?1 AND {}",
                                   which));
        for (auto rows = kept.with(queue_, type); rows.next();) {
            JournalCounts& counts = counts_[rows.integer(0)];
            counts.ready = static_cast<std::uint64_t>(rows.integer(1));
            counts.delayed = static_cast<std::uint64_t>(rows.integer(2));
            counts.dead = static_cast<std::uint64_t>(rows.integer(3));
            counts.dropped = static_cast<std::uint64_t>(rows.integer(4));
        }
    }
    JournalCounts& of(std::int64_t type) {
        const auto found = counts_.find(type);
        return found != counts_.end() ? found->second : counts_[0];
    }

    Database& database_;
    std::int64_t queue_;
    std::map<std::int64_t, JournalCounts> counts_;
};

std::map<std::int64_t, std::string> queue_names(Database& database) {
    std::map<std::int64_t, std::string> names;
    Statement statement(database, "SELECT id, name FROM queue");
    for (auto rows = statement.rows(); rows.next();)
        names.emplace(rows.integer(0), rows.text(1));
    return names;
}

}  // namespace

std::vector<std::int64_t> Journal::Impl::queues_of(const JournalFilter& filter) {
    if (filter.queue) {
        const auto number = find_queue(*filter.queue);
        if (!number) return {};
        return {*number};
    }
    std::vector<std::int64_t> numbers;
    for (const auto& [number, name] : queue_names(*database))
        numbers.push_back(number);
    return numbers;
}

std::vector<TypeCountsInJournal> Journal::counts(std::int64_t now_ms, const TypesByQueue& wanted) {
    const Snapshot snapshot(*impl_->database);
    std::vector<TypeCountsInJournal> result;
    for (const auto& [number, name] : queue_names(*impl_->database)) {
        const auto types = wanted.find(name);
        if (!wanted.empty() && types == wanted.end()) continue;
        QueueCounts counts(*impl_->database, number, wanted.empty() ? nullptr : &types->second);
        counts.look_for_running();
        counts.look_for_due(now_ms);
        for (const auto& [type, of_type] : counts.by_type()) {
            if (has_any(of_type)) result.push_back({name, type, of_type});
        }
    }
    std::ranges::stable_sort(result, {}, &TypeCountsInJournal::queue);
    return result;
}

void Journal::list(const JournalFilter& filter, std::int64_t now_ms,
                   const std::function<void(const JournalEntry&)>& visit) {
    std::uint64_t left = filter.limit.value_or(std::numeric_limits<std::uint64_t>::max());
    for (Walk& walk : walks(filter, now_ms, impl_->queues_of(filter))) {
        Statement statement(*impl_->database, walk.sql(filter, entry_columns));
        while (left > 0) {
            const auto limit = std::min<std::uint64_t>(left, page_rows);
            const auto page = next_page(walk, statement, filter, now_ms, limit);
            if (page.empty()) break;
            for (const JournalEntry& entry : page)
                visit(entry);
            left -= page.size();
        }
    }
}

std::optional<JournalEntry> Journal::find(std::int64_t row, std::int64_t now_ms) {
    const Snapshot snapshot(*impl_->database);
    std::optional<JournalEntry> entry;
    {
        Statement statement(*impl_->database, fmt::format("SELECT 0, id, {} FROM message"
                                                          " WHERE id = ?1",
                                                          entry_columns));
        auto rows = statement.with(row);
        if (!rows.next()) return std::nullopt;
        entry = entry_of(rows, now_ms);
    }
    Statement autopsy(*impl_->database, "SELECT autopsy FROM message WHERE id = ?1");
    if (auto rows = autopsy.with(row); rows.next()) entry->autopsy = rows.text(0);
    for (auto attempts = impl_->sql.history_find.with(row); attempts.next();) {
        entry->history.push_back({static_cast<std::uint32_t>(attempts.integer(0)),
                                  attempts.integer(1), std::string(attempts.text(2))});
    }
    return entry;
}

bool Journal::read_body(std::int64_t row,
                        const std::function<void(std::span<const std::byte>)>& read) {
    auto rows = impl_->sql.body.with(row);
    if (!rows.next()) return false;
    read(rows.blob(0));
    return true;
}

}  // namespace myq
