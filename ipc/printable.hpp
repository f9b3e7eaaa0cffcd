#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace myq {

// Everything that comes from somebody else is shown through one of these: a terminal obeys control
// characters, and marks of writing direction make a line read as another.

// A stranger's bytes as a value that can be read back: printable ASCII as it is, a backslash
// doubled, newline, tab and carriage return as \n, \t, \r, everything else as \xHH.
std::string printable(std::string_view bytes);

// A sentence of ours with somebody's words in it: plain text stays as it is, also beyond ASCII; a
// tab is \t, every byte of anything else \xHH. A backslash is not doubled, so that twice is as good
// as once. Of a line, line feeds are escaped as well.
std::string plain_line(std::string_view text);
std::string plain_lines(std::string_view text);

// Valid JSON whose strings hold plain text only: everything else in them as \u escapes.
std::string plain_json(std::string_view json);

// The same of a value of nlohmann's, as a line. What is not UTF-8 becomes U+FFFD.
template <typename Json>
std::string json_line(const Json& json) {
    return plain_json(json.dump(-1, ' ', false, Json::error_handler_t::replace)) + '\n';
}

// One character of UTF-8: length 0 if there is none at this place.
struct Character {
    std::uint32_t point = 0;
    std::size_t length = 0;
};
Character character_at(std::string_view text, std::size_t at);

// Whether a character is text to look at: no control, no mark of direction, nothing invisible, and
// no end of a line or a paragraph.
bool is_plain(std::uint32_t point);

}  // namespace myq
