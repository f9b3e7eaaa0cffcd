#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace myq::php {

// Where the first byte is that belongs to no character of UTF-8: nor do surrogates, longer forms of
// a character than its shortest, and what is beyond U+10FFFF.
std::optional<std::size_t> find_non_utf8(std::string_view bytes);

}  // namespace myq::php
