#pragma once

#include <regex>
#include <string>

namespace myq::test {

// What a table shows whoever looks, and however slow the machine is: times are N, and blanks
// between columns are one.
inline std::string shown(const std::string& text) {
    const std::string timeless =
        std::regex_replace(text, std::regex("[0-9]+ (s|min|h|days)\\b"), "N");
    return std::regex_replace(timeless, std::regex("  +"), " ");
}

}  // namespace myq::test
