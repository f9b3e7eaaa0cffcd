#include "config/whole_number.hpp"

#include "config/text.hpp"

#include <fmt/format.h>

#include <charconv>

namespace myq {

std::function<std::string(const std::string& text)> whole_number(std::int64_t least,
                                                                 std::int64_t most) {
    return [least, most](const std::string& text) -> std::string {
        std::int64_t value = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc{} && stop == end && value >= least && value <= most) return {};
        const std::string wanted = most == no_most ? fmt::format("{} or more", least)
                                                   : fmt::format("{} to {}", least, most);
        return fmt::format("{} is not a whole number, {}", myq::quoted(text), wanted);
    };
}

}  // namespace myq
