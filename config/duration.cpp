#include "config/duration.hpp"

#include "config/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace myq {

namespace {

struct DurationUnit {
    std::string_view name;
    std::int64_t milliseconds;
};

constexpr std::array duration_units = {
    DurationUnit{"d", 86'400'000}, DurationUnit{"h", 3'600'000}, DurationUnit{"m", 60'000},
    DurationUnit{"s", 1'000},      DurationUnit{"ms", 1},
};

std::invalid_argument bad_duration(std::string_view text, std::string_view reason) {
    return std::invalid_argument(fmt::format("{} {}", quoted(text), reason));
}

}  // namespace

std::chrono::milliseconds parse_duration(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) {
        throw bad_duration(text, "is not a duration: write a whole number and ms, s, m, h or d, "
                                 "such as 30s");
    }
    const std::string_view name = text.substr(digits);
    if (name.empty()) {
        throw bad_duration(text, "has no unit: write ms, s, m, h or d behind it, such as 30s");
    }
    const auto* unit = std::find_if(duration_units.begin(), duration_units.end(),
                                    [&](const DurationUnit& one) { return one.name == name; });
    if (unit == duration_units.end()) {
        throw bad_duration(text, "has an unknown unit: write ms, s, m, h or d, such as 30s");
    }
    std::int64_t count = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + digits, count);
    if (error != std::errc{} ||
        count > std::numeric_limits<std::int64_t>::max() / unit->milliseconds) {
        throw bad_duration(text, "is too long a time");
    }
    return std::chrono::milliseconds{count * unit->milliseconds};
}

std::string duration_text(std::chrono::milliseconds duration) {
    const std::int64_t count = duration.count();
    if (count == 0) return "0s";
    const auto* unit =
        std::find_if(duration_units.begin(), duration_units.end(),
                     [&](const DurationUnit& one) { return count % one.milliseconds == 0; });
    return fmt::format("{}{}", count / unit->milliseconds, unit->name);
}

}  // namespace myq
