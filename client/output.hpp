#pragma once

#include "ipc/printable.hpp"

#include <string>
#include <string_view>

namespace myq {

// Writes all of `text` to standard output, past any buffer, so that a failure is known here and
// now. Returns 0 or an errno; EINTR when the program was asked to end (Waiting).
int write_out(std::string_view text);

// What is to be read: text of ours with others' words in it, or lines from json_line(). Everything
// but plain text is escaped. A failure is the end: throws Failure.
void print_out(std::string_view text);

// A body and its like: to a terminal, which would obey some bytes, as print_out() does; to anything
// else every byte as it is.
std::string as_body(std::string body);
void print_body(std::string_view body);

// "myq: text" as a line on standard error, with everything escaped but plain text.
void say(std::string_view text);

// The errno that a write would meet, as far as can be known before: closed, not open for writing,
// or a pipe that nobody reads any more. 0 if it looks good.
int output_trouble();

// Columns of the terminal that standard output is; 0 if it is none.
unsigned output_width();

}  // namespace myq
