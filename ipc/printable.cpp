#include "ipc/printable.hpp"

#include <algorithm>
#include <array>

namespace myq {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_byte(std::string& text, char c) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
    case '\n':
        text += "\\n";
        return;
    case '\t':
        text += "\\t";
        return;
    case '\r':
        text += "\\r";
        return;
    default:
        text += "\\x";
        text += hex_digits[byte >> 4U];
        text += hex_digits[byte & 0xFU];
    }
}

void append_unit(std::string& json, std::uint32_t unit) {
    json += "\\u";
    for (const unsigned shift : {12U, 8U, 4U, 0U})
        json += hex_digits[(unit >> shift) & 0xFU];
}

// Outside of the first plane as two halves, as JSON has it.
void append_escape(std::string& json, std::uint32_t point) {
    if (point < 0x10000) return append_unit(json, point);
    append_unit(json, 0xd800 + ((point - 0x10000) >> 10U));
    append_unit(json, 0xdc00 + ((point - 0x10000) & 0x3ffU));
}

std::string plain(std::string_view text, bool keeps_lines) {
    std::string shown;
    shown.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Character character = character_at(text, at);
        const bool stays = (character.length > 0 && is_plain(character.point)) ||
                           (keeps_lines && (text[at] == '\n' || text[at] == '\t'));
        const std::string_view bytes = text.substr(at, std::max<std::size_t>(character.length, 1));
        if (stays) {
            shown += bytes;
        } else {
            for (const char c : bytes)
                append_byte(shown, c);
        }
        at += bytes.size();
    }
    return shown;
}

}  // namespace

std::string printable(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (const char c : bytes) {
        if (c == '\\') {
            text += "\\\\";
        } else if (c >= 0x20 && c <= 0x7e) {
            text += c;
        } else {
            append_byte(text, c);
        }
    }
    return text;
}

std::string plain_line(std::string_view text) {
    return plain(text, false);
}

std::string plain_lines(std::string_view text) {
    return plain(text, true);
}

std::string plain_json(std::string_view json) {
    std::string shown;
    shown.reserve(json.size());
    for (std::size_t at = 0; at < json.size();) {
        const Character character = character_at(json, at);
        const std::size_t length = std::max<std::size_t>(character.length, 1);
        const bool is_blank = json[at] == '\n' || json[at] == '\t' || json[at] == '\r';
        if (character.length == 0) {
            append_escape(shown, 0xfffd);
        } else if (is_blank || is_plain(character.point)) {
            shown += json.substr(at, length);
        } else {
            append_escape(shown, character.point);
        }
        at += length;
    }
    return shown;
}

Character character_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const std::uint32_t first = byte(0);
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    if (length == 0 || first > 0xf7 || text.size() - at < length) return {};
    std::uint32_t point = first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) return {};
        point = (point << 6U) | (byte(i) & 0x3fU);
    }
    // Longer than needed, a half of a UTF-16 pair, or beyond Unicode.
    constexpr std::array<std::uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < least.at(length) || is_surrogate || point > 0x10ffff) return {};
    return {point, length};
}

bool is_plain(std::uint32_t point) {
    struct Range {
        std::uint32_t first, last;
    };
    constexpr std::array hidden{
        Range{0x00, 0x1f},        // C0
        Range{0x7f, 0x9f},        // DEL and C1, which some terminals obey
        Range{0xad, 0xad},        // soft hyphen
        Range{0x61c, 0x61c},      // Arabic letter mark
        Range{0x115f, 0x1160},    // Hangul fillers
        Range{0x17b4, 0x17b5},    // Khmer vowels that are not shown
        Range{0x180b, 0x180f},    // Mongolian selectors
        Range{0x200b, 0x200f},    // zero width, left-to-right and right-to-left mark
        Range{0x2028, 0x202e},    // line and paragraph separator, embeddings and overrides
        Range{0x2060, 0x206f},    // word joiner, isolates
        Range{0x3164, 0x3164},    // another Hangul filler
        Range{0xfeff, 0xfeff},    // byte order mark
        Range{0xffa0, 0xffa0},    // the filler at half width
        Range{0xfff0, 0xfffb},    // annotations
        Range{0xfffe, 0xffff},    // no characters
        Range{0x1bca0, 0x1bca3},  // shorthand controls
        Range{0x1d173, 0x1d17a},  // musical controls
        Range{0xe0000, 0xe0fff},  // tags
    };
    return std::none_of(hidden.begin(), hidden.end(), [&](const Range& range) {
        return point >= range.first && point <= range.last;
    });
}

}  // namespace myq
