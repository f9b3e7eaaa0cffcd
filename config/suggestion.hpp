#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace myq {

// The one of `known` that a person who typed `word` most likely meant: at most one slip (a letter
// wrong, missing, too many, or two swapped) for every three letters. nullopt if none is that near.
std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> known);

}  // namespace myq
