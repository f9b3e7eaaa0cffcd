#include "config/size.hpp"

#include "config/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>

namespace myq {

namespace {

struct SizeUnit {
    std::string_view name;
    unsigned shift;
};

constexpr std::array size_units = {SizeUnit{"", 0}, SizeUnit{"KiB", 10}, SizeUnit{"MiB", 20},
                                   SizeUnit{"GiB", 30}};

std::invalid_argument bad_size(std::string_view text, std::string_view reason) {
    return std::invalid_argument(fmt::format("{} {}", quoted(text), reason));
}

}  // namespace

std::uint64_t parse_size(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) {
        throw bad_size(text, "is not a size: write a number of bytes, or one with KiB, MiB or GiB, "
                             "such as 64KiB");
    }
    const std::string_view name = text.substr(digits);
    const auto* unit = std::find_if(size_units.begin(), size_units.end(),
                                    [&](const SizeUnit& one) { return one.name == name; });
    if (unit == size_units.end()) {
        // Not K or KB either: to some that is 1000, to others 1024.
        throw bad_size(text, "has an unknown unit: write KiB, MiB or GiB, such as 64KiB, or "
                             "nothing for bytes");
    }
    std::uint64_t count = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + digits, count);
    if (error != std::errc{} || count > std::numeric_limits<std::uint64_t>::max() >> unit->shift) {
        throw bad_size(text, "is too large");
    }
    return count << unit->shift;
}

std::string size_text(std::uint64_t size) {
    if (size == 0) return "0";
    const auto unit =
        std::find_if(size_units.rbegin(), size_units.rend(),
                     [&](const SizeUnit& one) { return (size >> one.shift) << one.shift == size; });
    return fmt::format("{}{}", size >> unit->shift, unit->name);
}

}  // namespace myq
