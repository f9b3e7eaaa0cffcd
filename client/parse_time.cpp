#include "client/parse_time.hpp"

#include "config/duration.hpp"
#include "config/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace myq {

namespace {

constexpr std::time_t last_second = 253402300799;  // of the year 9999

std::invalid_argument bad_time(std::string_view text, std::string_view reason) {
    return std::invalid_argument(fmt::format("{} {}", quoted(text), reason));
}

std::invalid_argument no_form(std::string_view text) {
    return bad_time(text, "is no time: write HH:MM, 'YYYY-MM-DD HH:MM', "
                          "'YYYY-MM-DD HH:MM:SS' or @SECONDS since 1970");
}

// Whether `text` has the form of `pattern`, in which 0 stands for any digit.
bool has_form(std::string_view text, std::string_view pattern) {
    if (text.size() != pattern.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == '0' ? !is_digit : text[i] != pattern[i]) return false;
    }
    return true;
}

int number(std::string_view text, std::size_t begin, std::size_t count) {
    int value = 0;
    std::from_chars(text.data() + begin, text.data() + begin + count, value);
    return value;
}

// mktime(3) makes March 2 of February 30, and 3:30 of a 2:30 that a change of the clock skips.
std::optional<std::time_t> exact_time(std::tm wanted) {
    wanted.tm_isdst = -1;
    std::tm made = wanted;
    const std::time_t time = mktime(&made);
    const bool is_same = made.tm_year == wanted.tm_year && made.tm_mon == wanted.tm_mon &&
                         made.tm_mday == wanted.tm_mday && made.tm_hour == wanted.tm_hour &&
                         made.tm_min == wanted.tm_min && made.tm_sec == wanted.tm_sec;
    return is_same ? std::optional(time) : std::nullopt;
}

std::time_t time_of_day(std::string_view text, std::time_t now, Nearest nearest) {
    const int hour = number(text, 0, 2);
    const int minute = number(text, 3, 2);
    if (hour > 23 || minute > 59) throw bad_time(text, "is no time of day: 00:00 to 23:59 are");
    std::tm day{};
    localtime_r(&now, &day);
    const bool has_come = std::pair(day.tm_hour, day.tm_min) >= std::pair(hour, minute);
    if (nearest == Nearest::next && has_come) ++day.tm_mday;
    if (nearest == Nearest::last && !has_come) --day.tm_mday;
    // Makes a day of, say, May 32; at noon, for no change of a clock skips that.
    day.tm_hour = 12;
    day.tm_isdst = -1;
    mktime(&day);
    day.tm_hour = hour;
    day.tm_min = minute;
    day.tm_sec = 0;
    const auto time = exact_time(day);
    if (!time) throw bad_time(text, "is skipped on that day, when the clock is changed");
    return *time;
}

std::time_t date_and_time(std::string_view text) {
    std::tm wanted{};
    wanted.tm_year = number(text, 0, 4) - 1900;
    wanted.tm_mon = number(text, 5, 2) - 1;
    wanted.tm_mday = number(text, 8, 2);
    wanted.tm_hour = number(text, 11, 2);
    wanted.tm_min = number(text, 14, 2);
    wanted.tm_sec = text.size() > 16 ? number(text, 17, 2) : 0;
    const auto time = exact_time(wanted);
    if (!time) throw bad_time(text, "is a time that the calendar or the clock does not have");
    return *time;
}

std::time_t seconds_since_epoch(std::string_view text) {
    std::time_t seconds = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 1, end, seconds);
    if (stop != end || error == std::errc::invalid_argument || seconds < 0) throw no_form(text);
    if (error != std::errc{} || seconds > last_second) {
        throw bad_time(text, "is beyond the year 9999; write seconds, not milliseconds");
    }
    return seconds;
}

}  // namespace

std::time_t parse_time(std::string_view text, std::time_t now, Nearest nearest) {
    if (text.starts_with('@')) return seconds_since_epoch(text);
    if (has_form(text, "00:00")) return time_of_day(text, now, nearest);
    if (has_form(text, "0000-00-00 00:00") || has_form(text, "0000-00-00 00:00:00")) {
        return date_and_time(text);
    }
    throw no_form(text);
}

std::int64_t parse_since_ms(std::string_view text, std::int64_t now_ms) {
    if (text.find_first_of(":@-") == std::string_view::npos) {
        return now_ms - parse_duration(text).count();
    }
    return parse_time(text, now_ms / 1000, Nearest::last) * 1000;
}

}  // namespace myq
