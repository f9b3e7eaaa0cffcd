#include "journal/walk.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace myq {

namespace {

constexpr std::int64_t last_row = std::numeric_limits<std::int64_t>::max();

bool wants(const JournalFilter& filter, JournalState state) {
    return filter.states.empty() || filter.states.contains(state);
}

std::string rows_named(const JournalFilter& filter) {
    return fmt::format("message WHERE id IN ({})", fmt::join(filter.rows, ", "));
}

// "state = 2 OR ..." for the states that are wanted.
std::string states(const JournalFilter& filter) {
    std::vector<std::string> any;
    if (wants(filter, JournalState::ready)) any.emplace_back("state = 0 AND due <= ?1");
    if (wants(filter, JournalState::delayed)) any.emplace_back("state = 0 AND due > ?1");
    if (wants(filter, JournalState::running)) any.emplace_back("state = 1");
    if (wants(filter, JournalState::dead)) any.emplace_back("state = 2");
    return fmt::format("({})", fmt::join(any, " OR "));
}

// All the queues that are allowed at once.
std::optional<std::int64_t> only_queue(const JournalFilter& filter,
                                       std::span<const std::int64_t> queues) {
    if (!filter.queue) return std::nullopt;
    return queues.front();
}

Walk dead_walk(const JournalFilter& filter, std::span<const std::int64_t> queues) {
    Walk walk{
        "message INDEXED BY dead WHERE state = 2", "died", {}, only_queue(filter, queues), {}};
    if (filter.since_ms) walk.position.key = *filter.since_ms;  // and any row
    return walk;
}

}  // namespace

std::string Walk::sql(const JournalFilter& filter, const std::string& columns) const {
    std::string where = from;
    if (queue) where += " AND queue = ?2";
    if (filter.type) where += " AND type = ?3";
    if (filter.since_ms) where += " AND CASE state WHEN 2 THEN died ELSE accepted END >= ?4";
    if (filter.match) {
        where += " AND (instr(body, ?5) > 0 OR instr(CAST(reason AS BLOB), ?5) > 0)";
    }
    // The rest of those with the same key, then the others. As one comparison of (key, id) SQLite
    // would use the index for the key alone, and many rows may have the same.
    const std::string select =
        fmt::format("SELECT {} AS position, id, {} FROM {}", key, columns, where);
    return fmt::format("{0} AND {1} = ?6 AND id > ?7 UNION ALL {0} AND {1} > ?6{2}"
                       " ORDER BY position, id LIMIT ?8",
                       select, key, until);
}

Statement::Rows Walk::rows(Statement& statement, const JournalFilter& filter, std::int64_t now_ms,
                           std::size_t limit) const {
    std::optional<std::span<const std::byte>> match;
    if (filter.match) match = std::as_bytes(std::span(*filter.match));
    return statement.with(now_ms, queue, filter.type, filter.since_ms, match, position.key,
                          position.row, static_cast<std::int64_t>(limit));
}

std::vector<Walk> walks(const JournalFilter& filter, std::int64_t now_ms,
                        std::span<const std::int64_t> queues) {
    if (queues.empty()) return {};
    const std::optional<std::int64_t> only = only_queue(filter, queues);
    if (!filter.rows.empty()) {
        return {{rows_named(filter) + " AND " + states(filter), "0", {}, only, {}}};
    }
    std::vector<Walk> all;
    if (wants(filter, JournalState::running)) {
        all.push_back({"message INDEXED BY running WHERE state = 1", "0", {}, only, {}});
    }
    const std::string waiting = "message INDEXED BY waiting WHERE state = 0";
    for (const std::int64_t queue : queues) {
        if (!wants(filter, JournalState::ready)) break;
        all.push_back({waiting, "due", " AND due <= ?1", queue, {}});
    }
    for (const std::int64_t queue : queues) {
        if (!wants(filter, JournalState::delayed)) break;
        all.push_back({waiting, "due", {}, queue, {now_ms, last_row}});
    }
    if (wants(filter, JournalState::dead)) all.push_back(dead_walk(filter, queues));
    return all;
}

std::vector<Walk> dead_walks(const JournalFilter& filter, std::span<const std::int64_t> queues) {
    if (queues.empty() || !wants(filter, JournalState::dead)) return {};
    if (filter.rows.empty()) return {dead_walk(filter, queues)};
    return {{rows_named(filter) + " AND state = 2", "0", {}, only_queue(filter, queues), {}}};
}

}  // namespace myq
