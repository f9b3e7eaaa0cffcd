#include "config/suggestion.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace myq {

namespace {

// Nobody mistypes one key into something this long; it would only cost time.
constexpr std::size_t longest_word = 64;

// Slips between two words, by optimal string alignment. Only three rows of the table are kept.
std::size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> before_last;
    std::vector<std::size_t> last(to.size() + 1);
    std::vector<std::size_t> row(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        before_last = std::exchange(last, row);
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t wrong = from[i - 1] == to[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + wrong});
            const bool swapped =
                i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
    }
    return row.back();
}

}  // namespace

std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> known) {
    if (word.size() > longest_word) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t fewest = 0;
    for (const std::string_view candidate : known) {
        const std::size_t slips = distance(word, candidate);
        const std::size_t allowed = std::max(word.size(), candidate.size()) / 3;
        if (slips <= allowed && (!best || slips < fewest)) {
            best = candidate;
            fewest = slips;
        }
    }
    return best;
}

}  // namespace myq
