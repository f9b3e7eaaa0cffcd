#include "journal/counts.hpp"

#include <algorithm>

namespace myq {

void CountChanges::write(Statement& keep, Statement& forget) const {
    for (const auto& [place, change] : changes_) {
        const auto is = [&](auto test) { return std::ranges::any_of(change, test); };
        if (!is([](std::int64_t n) { return n != 0; })) continue;
        keep.run(place.first, place.second, change[0], change[1], change[2], change[3]);
        // Or the file would grow by a row for each type that anybody ever sent.
        if (is([](std::int64_t n) { return n < 0; })) forget.run(place.first, place.second);
    }
}

}  // namespace myq
