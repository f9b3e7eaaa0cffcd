#include "config/text.hpp"

#include "ipc/printable.hpp"

#include <array>
#include <cstdint>

namespace myq {

namespace {

constexpr std::size_t quoted_length = 60;

unsigned byte_at(std::string_view text, std::size_t index) {
    return static_cast<unsigned char>(text[index]);
}

// How many bytes the character at `start` has, 0 if it is none that belongs into a text.
std::size_t character_length(std::string_view text, std::size_t start) {
    const unsigned first = byte_at(text, start);
    if (first < 0x80) {
        const bool is_control = first < 0x20 || first == 0x7f;
        return !is_control || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    if (length == 0 || first > 0xf7 || text.size() - start < length) return 0;

    std::uint32_t point = first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        const unsigned next = byte_at(text, start + i);
        if ((next & 0xc0U) != 0x80U) return 0;
        point = (point << 6U) | (next & 0x3fU);
    }
    // Longer than needed, a half of a UTF-16 pair, beyond Unicode, or a C1 control: some terminals
    // obey those.
    constexpr std::array<std::uint32_t, 5> least = {0, 0, 0xa0, 0x800, 0x10000};
    const bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < least.at(length) || is_surrogate || point > 0x10ffff ? 0 : length;
}

}  // namespace

std::string quoted(std::string_view text) {
    if (text.size() <= quoted_length) return "'" + printable(text) + "'";
    return "'" + printable(text.substr(0, quoted_length)) + "'...";
}

std::optional<std::size_t> first_non_text(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = character_length(text, i);
        if (length == 0) return i;
        i += length;
    }
    return std::nullopt;
}

}  // namespace myq
