#pragma once

#include <string>
#include <string_view>

// Other people's words as one line of a reason: what breaks lines becomes a blank. Escaping the
// rest is the daemon's business.
inline std::string one_line(std::string_view text) {
    std::string line;
    for (const char c : text) {
        const bool is_blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!is_blank) line += c;
        if (is_blank && !line.empty() && line.back() != ' ') line += ' ';
    }
    if (line.ends_with(' ')) line.pop_back();
    return line;
}
