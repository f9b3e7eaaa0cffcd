#pragma once

#include "journal/journal.hpp"
#include "journal/sqlite.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

// How messages are gone through in order: page by page along one index, so that nothing is held
// while somebody reads what was found. A log cannot be emptied under a reader, and people leave a
// listing open in less(1) overnight.
namespace myq {

struct Walk {
    // Where the last page ended: both grow.
    struct Position {
        std::int64_t key = std::numeric_limits<std::int64_t>::min();
        std::int64_t row = std::numeric_limits<std::int64_t>::min();
    };

    std::string from;   // "message INDEXED BY dead WHERE state = 2"
    std::string key;    // the column that orders it, before the row
    std::string until;  // "" or " AND ..." on the key
    std::optional<std::int64_t> queue;
    Position position;

    // The statement for `columns`, which begin with the key and the row.
    std::string sql(const JournalFilter& filter, const std::string& columns) const;
    // The rows behind `position`, at most `limit`.
    Statement::Rows rows(Statement& statement, const JournalFilter& filter, std::int64_t now_ms,
                         std::size_t limit) const;
};

// The walks that meet all that `filter` selects, state by state in the order that messages go
// through them backwards: running, ready, delayed, dead. `queues` are the numbers of those that it
// allows.
std::vector<Walk> walks(const JournalFilter& filter, std::int64_t now_ms,
                        std::span<const std::int64_t> queues);

// The same for the dead alone, whatever other states `filter` names.
std::vector<Walk> dead_walks(const JournalFilter& filter, std::span<const std::int64_t> queues);

}  // namespace myq
