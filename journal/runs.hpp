#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace myq {

// Also of numbers that were read from a slot, where anything may stand.
inline bool follows(std::int64_t row, std::int64_t next) {
    return static_cast<std::uint64_t>(next) - static_cast<std::uint64_t>(row) == 1;
}

// Calls `visit` with the first and the last of each run of rows that are numbered one after the
// other: one statement for all of them costs half of what it costs to execute it for each.
template <typename Visit>
void each_run(std::span<const std::int64_t> rows, const Visit& visit) {
    while (!rows.empty()) {
        std::size_t length = 1;
        while (length < rows.size() && follows(rows[length - 1], rows[length]))
            ++length;
        visit(rows.front(), rows[length - 1]);
        rows = rows.subspan(length);
    }
}

}  // namespace myq
