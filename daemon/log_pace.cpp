#include "daemon/log_pace.hpp"

#include <utility>

namespace myq {

bool LogPace::allows(std::int64_t now_ns) {
    constexpr std::int64_t second = 1'000'000'000;
    if (lines_ == 0 || now_ns - second_began_ns_ >= second) {
        second_began_ns_ = now_ns;
        lines_ = 0;
    }
    if (lines_ == lines_a_second) {
        ++held_;
        return false;
    }
    ++lines_;
    reported_ = std::exchange(held_, 0);
    return true;
}

std::string LogPace::held_back_text() const {
    return reported_ == 0 ? "" : " (" + std::to_string(reported_) + " more like this)";
}

}  // namespace myq
