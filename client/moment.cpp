#include "client/moment.hpp"

#include <array>
#include <chrono>

namespace myq {

std::string span(std::time_t seconds) {
    constexpr std::time_t minute = 60;
    constexpr std::time_t hour = 60 * minute;
    constexpr std::time_t day = 24 * hour;
    if (seconds < 2 * minute) return std::to_string(seconds) + " s";
    if (seconds < 2 * hour) return std::to_string(seconds / minute) + " min";
    if (seconds < 2 * day) return std::to_string(seconds / hour) + " h";
    return std::to_string(seconds / day) + " days";
}

std::string moment(std::time_t time, std::time_t now) {
    if (time == 0) return "never";
    std::tm local{};
    std::array<char, 64> text{};
    localtime_r(&time, &local);
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z", &local);
    const std::string distance = time > now ? "in " + span(time - now) : span(now - time) + " ago";
    return std::string(text.data()) + " (" + distance + ")";
}

std::int64_t now_ms() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

}  // namespace myq
