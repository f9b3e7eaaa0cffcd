#include "daemon/log_budget.hpp"

#include <algorithm>

namespace myq {

bool LogBudget::allows(std::size_t size, std::int64_t now_ns) {
    constexpr std::int64_t second = 1'000'000'000;
    constexpr std::int64_t until_full = (at_once / a_second + 1) * second;
    const std::int64_t since = std::clamp(now_ns - filled_ns_, std::int64_t{0}, until_full);
    const std::int64_t earned = since * std::int64_t{a_second} / second;
    left_ = std::min(at_once, left_ + static_cast<std::size_t>(earned));
    // What is less than a byte is earned the next time.
    filled_ns_ =
        since == until_full ? now_ns : filled_ns_ + earned * second / std::int64_t{a_second};
    // Silence until there is room for some lines, or a flood would be cut into single ones.
    const std::size_t needed = left_out_.lines == 0 ? size : std::max(size, a_second);
    if (needed > left_) {
        ++left_out_.lines;
        left_out_.bytes += size;
        return false;
    }
    left_ -= size;
    return true;
}

}  // namespace myq
