#include "config/mistakes.hpp"

#include "config/config.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace myq {

namespace {

constexpr std::size_t most_shown = 100;
constexpr std::size_t longest_key = 120;

}  // namespace

void Mistakes::add(Mark mark, std::string_view key, std::string_view reason) {
    const std::string name = printable(key.substr(0, longest_key));
    list_.push_back({mark, fmt::format("{}{}{}", name, name.empty() ? "" : ": ", reason)});
}

std::string Mistakes::where(Mark mark) const {
    return fmt::format("{}:{}:{}", file_, mark.line, mark.column);
}

void Mistakes::throw_if_any() const {
    if (list_.empty()) return;
    std::vector<Mistake> ordered = list_;
    const auto is_before = [](const Mistake& a, const Mistake& b) {
        return std::tie(a.mark.line, a.mark.column) < std::tie(b.mark.line, b.mark.column);
    };
    std::stable_sort(ordered.begin(), ordered.end(), is_before);
    std::string text;
    for (std::size_t i = 0; i < std::min(ordered.size(), most_shown); ++i) {
        if (i > 0) text += '\n';
        text += fmt::format("{}: {}", where(ordered[i].mark), ordered[i].text);
    }
    if (ordered.size() > most_shown) {
        text += fmt::format("\n{}: and {} more mistakes", where(ordered[most_shown].mark),
                            ordered.size() - most_shown);
    }
    throw ConfigError(text);
}

}  // namespace myq
