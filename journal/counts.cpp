#include "journal/counts.hpp"

#include <algorithm>

namespace myq {

void CountChanges::write(Statement& keep, Statement& forget) const {
    for (const auto& entry : changes_) {
        const auto& [queue, type] = entry.first;
        const auto& change = entry.second;
        const auto is = [&](auto test) { return std::ranges::any_of(change, test); };
        if (!is([](std::int64_t n) { return n != 0; })) continue;
        keep.run(queue, type, change[0], change[1], change[2], change[3]);
        // Or the file would grow by a row for each type that anybody ever sent.
        if (is([](std::int64_t n) { return n < 0; })) forget.run(queue, type);
    }
}

}  // namespace myq
