#pragma once

#include <string>
#include <string_view>

namespace myq {

// Bytes from a stranger as text that is safe on a terminal and in a log: printable ASCII as it is,
// a backslash doubled, newline, tab and carriage return as \n, \t, \r, everything else as \xHH.
std::string printable(std::string_view bytes);

}  // namespace myq
