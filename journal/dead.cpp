#include "journal/journal_impl.hpp"
#include "journal/schema.hpp"
#include "journal/walk.hpp"

#include <algorithm>
#include <vector>

// What people do with the dead, and with what waits.
namespace myq {

namespace {

// Messages in one transaction: some milliseconds, so that workers do not wait for millions.
constexpr std::size_t step_rows = 1000;

struct PlacedRow {
    std::int64_t row, queue, type;
    CountKind kind;
};

CountKind kind_of(std::int64_t state, std::int64_t due_ms) {
    return static_cast<RowState>(state) == RowState::dead ? CountKind::dead : living(due_ms);
}

std::vector<PlacedRow> next_rows(Walk& walk, Statement& statement, const JournalFilter& filter,
                                 std::int64_t now_ms, std::size_t limit) {
    std::vector<PlacedRow> found;
    auto rows = walk.rows(statement, filter, now_ms, limit);
    while (rows.next()) {
        walk.position = {rows.integer(0), rows.integer(1)};
        found.push_back({rows.integer(1), rows.integer(2), rows.integer(3),
                         kind_of(rows.integer(4), rows.integer(5))});
    }
    return found;
}

// Calls `work` for those that `filter` selects, step by step, inside a transaction each. What it
// returns counts towards the filter's limit.
void each_step(Journal& journal, Database& database, const std::vector<Walk>& walks,
               const JournalFilter& filter, std::int64_t now_ms,
               const std::function<std::uint64_t(const std::vector<PlacedRow>&)>& work) {
    std::uint64_t left = filter.limit.value_or(std::numeric_limits<std::uint64_t>::max());
    for (Walk walk : walks) {
        Statement statement(database, walk.sql(filter, "queue, type, state, due"));
        for (bool more = true; more && left > 0;) {
            // A person who was told that it is done expects it to be.
            journal.transact(Survives::power_cut, [&] {
                const auto limit = std::min<std::uint64_t>(left, step_rows);
                const auto rows = next_rows(walk, statement, filter, now_ms, limit);
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
    each_step(*this, *impl_->database, walks, filter, 0, [&](const std::vector<PlacedRow>& rows) {
        std::uint64_t revived = 0;
        for (const PlacedRow& one : rows) {
            if (impl_->sql.revive.run(one.row) == 0) continue;
            impl_->counts.move(one.queue, one.type, CountKind::dead, CountKind::at_once);
            ++revived;
        }
        result.revived += revived;
        result.blocked += rows.size() - revived;
        return revived;
    });
    return result;
}

std::uint64_t Journal::drop(const JournalFilter& filter, std::int64_t now_ms) {
    std::uint64_t dropped = 0;
    const auto all = walks(filter, now_ms, impl_->queues_of(filter));
    each_step(*this, *impl_->database, all, filter, now_ms,
              [&](const std::vector<PlacedRow>& rows) {
                  std::uint64_t gone = 0;
                  for (const PlacedRow& one : rows) {
                      if (impl_->sql.drop.run(one.row) == 0) continue;
                      impl_->sql.history_forget.run(one.row, one.row);
                      impl_->counts.move(one.queue, one.type, one.kind, CountKind::dropped);
                      ++gone;
                  }
                  dropped += gone;
                  return gone;
              });
    return dropped;
}

}  // namespace myq
