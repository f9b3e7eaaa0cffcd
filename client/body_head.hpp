#pragma once

#include "ipc/printable.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace myq {

// How a body begins, for a table: printable, and "..." behind it if there is more.
inline std::string body_head(std::string_view body) {
    constexpr std::size_t longest = 100;
    return printable(body.substr(0, longest)) + (body.size() > longest ? "..." : "");
}

}  // namespace myq
