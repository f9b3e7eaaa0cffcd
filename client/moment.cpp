#include "client/moment.hpp"

#include <array>

namespace myq {

namespace {

std::string age(std::time_t seconds) {
    constexpr std::time_t minute = 60;
    constexpr std::time_t hour = 60 * minute;
    constexpr std::time_t day = 24 * hour;
    if (seconds < 0) return "in the future";
    if (seconds < 2 * minute) return std::to_string(seconds) + " s ago";
    if (seconds < 2 * hour) return std::to_string(seconds / minute) + " min ago";
    if (seconds < 2 * day) return std::to_string(seconds / hour) + " h ago";
    return std::to_string(seconds / day) + " days ago";
}

}  // namespace

std::string moment(std::time_t time, std::time_t now) {
    if (time == 0) return "never";
    std::tm local{};
    std::array<char, 64> text{};
    localtime_r(&time, &local);
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z", &local);
    return std::string(text.data()) + " (" + age(now - time) + ")";
}

}  // namespace myq
