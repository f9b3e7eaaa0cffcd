#pragma once

#include <string>
#include <string_view>

namespace myq::test {

// A body, a name or a sentence with everything in it that a terminal would obey or a reader would
// be misled by: ESC, C1's CSI, DEL, right-to-left override and isolate, a line separator, zero
// width, a byte order mark; and plain text that is not ASCII.
inline const std::string hostile_text =
    "\x1b[2J\xc2\x9b"
    "31m\x7f\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xe2\x80\x8b\xef\xbb\xbf f\xc3\xbcr";

// Where `text` is not fit to be shown, in bytes; npos if it is. On purpose without what it tests.
inline std::size_t find_not_plain(std::string_view text) {
    constexpr std::string_view hidden[] = {
        "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",
        "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac",
        "\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8",
        "\xe2\x81\xa9", "\xef\xbb\xbf"};
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        if ((byte < 0x20 && byte != '\n') || byte == 0x7f || byte > 0xf4) return i;
        if (byte == 0xc2 && next < 0xa0) return i;
        for (const std::string_view mark : hidden) {
            if (text.substr(i).starts_with(mark)) return i;
        }
    }
    return std::string_view::npos;
}

inline bool is_plain_text(std::string_view text) {
    return find_not_plain(text) == std::string_view::npos;
}

}  // namespace myq::test
