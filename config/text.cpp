#include "config/text.hpp"

#include "ipc/printable.hpp"

namespace myq {

namespace {

constexpr std::size_t quoted_length = 60;

// How many bytes the character at `start` has, 0 if it is none that belongs into a text. C1
// controls do not: some terminals obey those.
std::size_t character_length(std::string_view text, std::size_t start) {
    const Character character = character_at(text, start);
    const bool is_control =
        character.point < 0x20 || (character.point >= 0x7f && character.point < 0xa0);
    const bool is_blank =
        character.point == '\t' || character.point == '\n' || character.point == '\r';
    return is_control && !is_blank ? 0 : character.length;
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
