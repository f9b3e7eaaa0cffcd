#pragma once

#include <string>
#include <string_view>

namespace myq::php {

// Appends a number as PHP writes it with precision -1: the fewest digits that give the same number
// again, "0.0001" to "10000000000000000", else "1.0E+17" with `exponent` as its letter; "-0";
// "INF",
// "-INF", "NAN".
void append_double(std::string& text, double number, char exponent);

// What PHP reads in a text of digits with a dot, a sign and an exponent, all but a digit optional;
// beyond what a double holds it is INF or 0. The text must be such a one.
double read_double(std::string_view text);

}  // namespace myq::php
