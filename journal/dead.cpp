#include "journal/journal_impl.hpp"
#include "journal/walk.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

// What people do with the dead.
namespace myq {

namespace {

// Messages in one transaction: some milliseconds, so that workers do not wait for millions.
constexpr std::size_t step_rows = 1000;

struct DeadRow {
    std::int64_t row, queue, type;
};

std::vector<DeadRow> next_rows(Walk& walk, Statement& statement, const JournalFilter& filter,
                               std::size_t limit) {
    std::vector<DeadRow> found;
    auto rows = walk.rows(statement, filter, 0, limit);
    while (rows.next()) {
        walk.position = {rows.integer(0), rows.integer(1)};
        found.push_back({rows.integer(1), rows.integer(2), rows.integer(3)});
    }
    return found;
}

// Calls `work` for the dead that `filter` selects, step by step, inside a transaction each. What it
// returns counts towards the filter's limit.
void each_step(Journal& journal, Database& database, const std::vector<Walk>& walks,
               const JournalFilter& filter,
               const std::function<std::uint64_t(const std::vector<DeadRow>&)>& work) {
    std::uint64_t left = filter.limit.value_or(std::numeric_limits<std::uint64_t>::max());
    for (Walk walk : walks) {
        Statement statement(database, walk.sql(filter, "queue, type"));
        for (bool more = true; more && left > 0;) {
            // A person who was told that it is done expects it to be.
            journal.transact(Survives::power_cut, [&] {
                const auto limit = std::min<std::uint64_t>(left, step_rows);
                const auto rows = next_rows(walk, statement, filter, limit);
                left -= work(rows);
                more = rows.size() == limit;
            });
        }
    }
}

}  // namespace

Journal::Revived Journal::revive(const JournalFilter& filter) {
    Revived result;
    const auto walks = dead_walks(filter, impl_->queues_of(filter));
    each_step(*this, *impl_->database, walks, filter, [&](const std::vector<DeadRow>& rows) {
        std::uint64_t revived = 0;
        for (const DeadRow& dead : rows)
            revived += static_cast<std::uint64_t>(impl_->sql.revive.run(dead.row));
        result.revived += revived;
        result.blocked += rows.size() - revived;
        return revived;
    });
    return result;
}

std::uint64_t Journal::drop(const JournalFilter& filter) {
    std::uint64_t dropped = 0;
    const auto walks = dead_walks(filter, impl_->queues_of(filter));
    each_step(*this, *impl_->database, walks, filter, [&](const std::vector<DeadRow>& rows) {
        std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> tally;
        for (const DeadRow& dead : rows) {
            impl_->sql.drop.run(dead.row);
            impl_->sql.history_forget.run(dead.row, dead.row);
            ++tally[{dead.queue, dead.type}];
        }
        for (const auto& [place, count] : tally)
            impl_->sql.tally.run(place.first, place.second, count);
        dropped += rows.size();
        return rows.size();
    });
    return dropped;
}

}  // namespace myq
