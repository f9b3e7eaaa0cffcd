#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace myq {

// What somebody wrote, fit for one line of a message: 'in quotes', made printable and, when it is
// long, cut.
std::string quoted(std::string_view text);

// Where `text` stops being text: the first byte that is not UTF-8 or is a control character other
// than tab, line feed and carriage return. nullopt if it is text to the end.
std::optional<std::size_t> first_non_text(std::string_view text);

}  // namespace myq
